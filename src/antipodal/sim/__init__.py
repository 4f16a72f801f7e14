"""The simulated cell: executes planned grasps in MuJoCo and says whether they held."""
