"""Plan parallel-jaw grasps from depth images, and make the data and models that the planner needs."""
