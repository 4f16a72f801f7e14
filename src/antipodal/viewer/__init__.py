"""A local page that shows what a plan saw, why its grasps rank as they do, and plans again when something changes."""
