"""The simulated cell as a ROS node: a depth camera that publishes, services that execute grasps and place objects."""

from __future__ import annotations

import contextlib
import math
import threading
from dataclasses import dataclass, replace
from typing import Optional, Tuple

import numpy as np
import rospy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header
from std_srvs.srv import Trigger, TriggerRequest, TriggerResponse

from antipodal import resources
from antipodal.camera import Camera
from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.ros.messages import grasp_from, image_message
from antipodal.sim.cell import Cell, overhead
from antipodal.sim.objects import body_from_mesh
from antipodal.sim.pick import Outcome
from antipodal.sim.picture import view_of_hand
from antipodal.sim.scenes import SCENES, check_scene, parts_of
from antipodal.srv import ExecuteGrasp, ExecuteGraspRequest, ExecuteGraspResponse
from antipodal.suction_cup import SuctionCup
from antipodal.synth.objects.procedural import procedural


@dataclass(frozen=True)
class CellNodeOptions:
    """The node's private parameters; launch/demo.launch documents them."""

    gripper: str = ""  # YAML file; empty = the Robotiq 2F-85
    cup: str = ""  # YAML file of a suction cup beside the gripper; empty = none
    seed: int = 0  # of the objects and their poses
    rate: float = 30.0  # images a second
    frame: str = "camera_depth_optical_frame"
    scene: str = "table"  # where the object is, a name in sim/scenes.py
    tilt: float = 0.0  # of the camera against the vertical, where the scene does not say [rad]
    approach: float = 0.0  # length of the way to a grasp, along its z [m]; this and the next two: 0 = the scene's
    lift: float = 0.0  # straight up with what is held [m]
    retreat: float = 0.0  # back along the approach, after lifting [m]

    def __post_init__(self) -> None:
        check_scene(self.scene)
        if self.rate <= 0:
            raise InputError(f"~rate must be positive, got {self.rate}")
        for name in ("approach", "lift", "retreat"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"~{name} must be 0 to 1 m, got {getattr(self, name)}")


class CellServer:
    """Publishes the cell's depth images. `new_scene` places a new object, `execute_grasp` picks it."""

    def __init__(self, options: CellNodeOptions):
        self.options = options
        self.gripper = Gripper.load(options.gripper or resources.find("config/grippers/robotiq_2f85.yaml"))
        self.cup = SuctionCup.load(options.cup) if options.cup else None
        self._scene = 0
        self._lock = threading.Lock()  # no image while the scene moves
        self._image = rospy.Publisher("depth/image_rect", Image, queue_size=1)
        self._info = rospy.Publisher("depth/camera_info", CameraInfo, queue_size=1)
        self.new_scene(TriggerRequest())
        rospy.Service("new_scene", Trigger, self.new_scene)
        rospy.Service("execute_grasp", ExecuteGrasp, self.execute)
        # Publish from a timer's thread: a signal that interrupts a publishing main thread can block the shutdown.
        rospy.Timer(rospy.Duration.from_sec(1 / options.rate), self.publish, reset=True)

    def publish(self, _: rospy.timer.TimerEvent) -> None:
        """Publish an image of the scene and its camera_info."""
        with self._lock:
            header = Header(stamp=rospy.Time.now(), frame_id=self.options.frame)
            depth = self._depth
        with contextlib.suppress(rospy.ROSException):  # the node is going down
            self._info.publish(info_message(self.cell.camera, header))
            self._image.publish(depth_message(depth, header))

    def new_scene(self, _: TriggerRequest) -> TriggerResponse:
        """Replace the object on the table by the next one; the reply names it."""
        with self._lock:
            self.cell, family = make_cell(self.options, self.gripper, self._scene, self.cup)
            self._depth = self.cell.render()
            self._scene += 1
        return TriggerResponse(success=True, message=family)

    def execute(self, request: ExecuteGraspRequest) -> ExecuteGraspResponse:
        """Execute a grasp whose pose is in the camera's frame."""
        header = request.grasp.header
        if header.frame_id != self.options.frame:
            return _refused(f"the grasp is in frame {header.frame_id!r}; possible: {self.options.frame!r}")
        with self._lock:
            try:
                grasp = grasp_from(request.grasp)
                cell, pictures = self.cell, []
                shape = cell.camera.height, cell.camera.width

                def look(outcome: Outcome) -> None:
                    pictures.append(view_of_hand(cell, grasp.kind, outcome.picked, shape))

                outcome = cell.execute(grasp.T_cam_grasp, grasp.width, grasp.kind, look)
            except InputError as e:
                return _refused(str(e))
            self._depth = self.cell.render()
        return ExecuteGraspResponse(outcome.held, outcome.kind, image_message(pictures[0], header))


def make_cell(
    options: CellNodeOptions, gripper: Gripper, number: int, cup: Optional[SuctionCup] = None
) -> Tuple[Cell, str]:
    """The cell with the object of this number at rest in the scene of the options, and the object's family."""
    kind, rng = SCENES[options.scene], np.random.default_rng([options.seed, number])
    if kind.things is not None:
        things = kind.things(options.seed)
        thing = things[number % len(things)]
        family, mesh = thing.name.rpartition("_")[0].replace("_", " "), thing.get()
    else:
        mesh = procedural(number, options.seed)
        family = mesh.metadata["family"]
    bodies = [body_from_mesh(family, mesh)]
    tilt = options.tilt if kind.tilt is None else sum(kind.tilt) / 2
    T_world_cam = overhead(tilt=tilt, azimuth=-math.pi / 2)  # what is high lies above in the image
    moves = {name: getattr(options, name) for name in ("approach", "lift", "retreat") if getattr(options, name) > 0}
    cell_options = replace(kind.cell, pick=replace(kind.cell.pick, **moves))
    room = parts_of(options.scene, rng, T_world_cam, bodies)
    cell = Cell(gripper, T_world_cam=T_world_cam, options=cell_options, room=room, cup=cup)
    cell.drop(bodies, rng)
    return cell, family


def depth_message(depth: np.ndarray, header: Header) -> Image:
    """sensor_msgs/Image of depth (H, W) [m], 32FC1."""
    height, width = depth.shape
    return Image(header, height, width, "32FC1", 0, 4 * width, depth.astype("<f4").tobytes())


def info_message(camera: Camera, header: Header) -> CameraInfo:
    """sensor_msgs/CameraInfo of a camera without distortion."""
    fx, fy, cx, cy = camera.fx, camera.fy, camera.cx, camera.cy
    return CameraInfo(
        header=header,
        height=camera.height,
        width=camera.width,
        distortion_model="plumb_bob",
        D=[0.0] * 5,
        K=[fx, 0, cx, 0, fy, cy, 0, 0, 1],
        R=[1, 0, 0, 0, 1, 0, 0, 0, 1],
        P=[fx, 0, cx, 0, 0, fy, cy, 0, 0, 0, 1, 0],
    )


def _refused(reason: str) -> ExecuteGraspResponse:
    return ExecuteGraspResponse(held=False, outcome=f"refused: {reason}")
