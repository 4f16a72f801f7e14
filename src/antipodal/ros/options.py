"""The planner node's private parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import List, Sequence, Tuple

from antipodal import resources, suction_cup
from antipodal.both_hands import load_planner
from antipodal.errors import InputError
from antipodal.grasp import JAWS, Hand
from antipodal.perception.hints import FrameHints, SceneHints
from antipodal.perception.inputs import MAX_RANGE, check_seed
from antipodal.planning.approach_cone import ApproachCone
from antipodal.planning.image_planner import ImagePlanner
from antipodal.planning.options import PlannerOptions
from antipodal.planning.suction_options import SuctionOptions
from antipodal.ros.headers import check_frame_id
from antipodal.tracking.tracker import TrackingOptions

MAX_WAIT = 3600.0  # of a request or for a transform [s]; the system's timers have limits


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
    gripper: str = ""  # YAML file of a gripper or a suction cup; empty = the Robotiq 2F-85
    cup: str = ""  # YAML file of a suction cup beside the gripper; empty = none
    suction_model: str = ""  # model file of the cup; empty = the package's
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
    cloud: bool = False  # subscribe to the topic points (PointCloud2) in place of the image
    sensor_frame: str = ""  # tf frame of the sensor of clouds; empty = that of the cloud
    fixed_frame: str = ""  # tf frame that does not move between the views of a request; empty = the first camera's
    max_apart: float = 2.0  # longest between the stamps of the views of a request [s]
    target_frame: str = ""  # of the grasps' poses; empty = that of the depth image
    tf_timeout: float = 0.2  # longest wait for a transform [s]
    up: Tuple[float, float, float] = (0.0, 0.0, 0.0)  # direction against gravity in the image's frame; zeros = unknown
    up_frame: str = ""  # tf frame whose z axis points against gravity; empty = unknown
    table: Tuple[float, float, float, float] = (0.0,) * 4  # a, b, c, d of a x + b y + c z = d [m]; zeros = to be found
    table_frame: str = ""  # tf frame whose plane z = 0 is the table; empty = to be found
    near: float = 0.0  # depths below count as missing [m]
    far: float = MAX_RANGE  # depths above count as missing [m]
    approach_axis: Tuple[float, float, float] = (0.0, 0.0, 0.0)  # of a cone of approaches; zeros = options.approach
    approach_frame: str = ""  # tf frame of that axis; empty = that of the depth image
    approach_angle: float = 0.0  # half-angle of that cone [rad]
    robot_mask: bool = False  # subscribe to the topic robot_mask
    workspace: WorkspaceOptions = field(default_factory=WorkspaceOptions)
    options: PlannerOptions = field(default_factory=PlannerOptions)
    suction: SuctionOptions = field(default_factory=SuctionOptions)

    def __post_init__(self) -> None:
        for name in ("max_grasps", "max_age", "max_apart", "max_time", "max_waiting", "max_pixels", "tf_timeout"):
            if not getattr(self, name) > 0:
                raise InputError(f"~{name} must be positive, got {getattr(self, name)}")
        for name in ("max_time", "tf_timeout"):
            if getattr(self, name) > MAX_WAIT:
                raise InputError(f"~{name} must be at most {MAX_WAIT:g} s, got {getattr(self, name)}")
        if self.cloud and (self.compressed or self.stream):
            raise InputError("~cloud goes with neither ~compressed nor ~stream: these are of depth images")
        check_seed(self.seed)
        for frame in self.frames():
            check_frame_id(frame, "a parameter")
        for name in ("up", "table"):
            values, frame = getattr(self, name), getattr(self, f"{name}_frame")
            if len(values) != len(getattr(type(self), name)) or (any(values) and frame):
                count = len(getattr(type(self), name))
                raise InputError(f"~{name} takes {count} numbers, or ~{name}_frame a frame, got {values} and {frame!r}")
        if len(self.approach_axis) != 3:
            raise InputError(f"~approach_axis takes 3 numbers, got {self.approach_axis}")
        if any(self.approach_axis):
            ApproachCone(self.approach_axis, self.approach_angle)
        elif self.approach_frame or self.approach_angle:
            raise InputError("~approach_frame and ~approach_angle need ~approach_axis, got (0, 0, 0)")
        hints = FrameHints if self.cloud else SceneHints
        hints(self.up if any(self.up) else None, self.table if any(self.table) else None, self.near, self.far)

    def frames(self) -> List[str]:
        """All tf frames that the parameters name."""
        scene = (self.workspace.frame, self.up_frame, self.table_frame, self.approach_frame)
        return [f for f in (self.target_frame, *scene, self.sensor_frame, self.fixed_frame) if f]

    def gripper_file(self) -> Path:
        """The gripper's YAML file, given as such or by its name. Raises InputError."""
        return resources.locate("grippers", self.gripper or "robotiq_2f85")

    def hand_files(self) -> List[Path]:
        """The files of the gripper and, where there is one, of the cup beside it. Raises InputError."""
        return [self.gripper_file(), *([resources.locate("grippers", self.cup)] if self.cup else [])]

    def load_planner(self, device: str) -> ImagePlanner:
        """The planner on a device. Raises ModelError or InputError where a file cannot be used."""
        models = self.model or None, self.suction_model or None
        return load_planner(self.gripper_file(), self.cup or None, *models, device, self.options, self.suction)

    def models(self, hands: Sequence[Hand]) -> str:
        """The model files of these hands, for the log."""
        of_cup = self.suction_model or (self.model if len(hands) == 1 else "") or "models/suction.pt"
        files = {JAWS: self.model or "models/default.pt", suction_cup.KIND: of_cup}
        return ", ".join(files[hand.kind] for hand in hands)
