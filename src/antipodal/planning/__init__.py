"""How grasps are searched, scored and ranked: the pipelines on a CPU and on a GPU, and their options."""
