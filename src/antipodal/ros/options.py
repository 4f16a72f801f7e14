"""The planner node's private parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Tuple

from antipodal import resources
from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.perception.inputs import check_seed
from antipodal.planner import GraspPlanner, PlannerOptions
from antipodal.ros.headers import check_frame_id
from antipodal.tracking.tracker import TrackingOptions


@dataclass(frozen=True)
class WorkspaceOptions:
    """The box that grasp centres must lie in; no frame = no box."""

    frame: str = ""  # tf frame of the box
    low: Tuple[float, float, float] = (-1.0, -1.0, -1.0)  # least x, y, z [m]
    high: Tuple[float, float, float] = (1.0, 1.0, 1.0)  # greatest x, y, z [m]

    def __post_init__(self) -> None:
        if len(self.low) != 3 or len(self.high) != 3 or not all(a < b for a, b in zip(self.low, self.high)):
            raise InputError(f"~workspace: low must be below high in x, y and z, got {self.low} and {self.high}")


@dataclass(frozen=True)
class NodeOptions:
    """Private parameters of the node; launch/planner.launch documents them."""

    model: str = ""  # model file; empty = the package's default
    gripper: str = ""  # YAML file; empty = the Robotiq 2F-85
    device: str = "auto"  # auto, cpu, cuda or cuda:N
    max_grasps: int = 10  # of a request that does not say
    seed: int = 0  # same image, same seed, same grasps
    max_age: float = 0.5  # of the newest image [s]
    max_time: float = 5.0  # longest that a request waits, time in the queue included [s]
    max_waiting: int = 8  # requests in the queue; further ones are refused as busy
    max_pixels: int = 8_400_000  # of a depth image
    rectified: bool = True  # the image is rectified: P of camera_info applies, else K
    stream: bool = False  # plan in every new image
    tracking: TrackingOptions = field(default_factory=TrackingOptions)  # options of the stream
    compressed: bool = False  # subscribe to the image's compressedDepth topic
    target_frame: str = ""  # of the grasps' poses; empty = that of the depth image
    tf_timeout: float = 0.2  # longest wait for a transform [s]
    workspace: WorkspaceOptions = field(default_factory=WorkspaceOptions)
    options: PlannerOptions = field(default_factory=PlannerOptions)

    def __post_init__(self) -> None:
        for name in ("max_grasps", "max_age", "max_time", "max_waiting", "max_pixels", "tf_timeout"):
            if not getattr(self, name) > 0:
                raise InputError(f"~{name} must be positive, got {getattr(self, name)}")
        check_seed(self.seed)
        for name, frame in (("target_frame", self.target_frame), ("workspace/frame", self.workspace.frame)):
            check_frame_id(frame, f"~{name}")

    def gripper_file(self) -> Path:
        """The gripper's YAML file."""
        return Path(self.gripper or resources.find("config/grippers/robotiq_2f85.yaml"))

    def load_planner(self, device: str) -> GraspPlanner:
        """The planner on a device. Raises ModelError or InputError where a file cannot be used."""
        gripper = Gripper.load(self.gripper_file())
        model = self.model or resources.find("models/default.pt")
        return GraspPlanner.load(model, gripper, device, self.options)
