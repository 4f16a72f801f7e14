"""Grasps of the generator: candidates to label."""
