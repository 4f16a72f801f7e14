"""A grasp that follows its object from one image to the next."""

from antipodal.tracking.tracker import GraspTracker, TrackingOptions

__all__ = ["GraspTracker", "TrackingOptions"]
