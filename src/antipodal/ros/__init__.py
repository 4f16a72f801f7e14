"""The ROS side: nothing else in the package imports ROS."""
