"""The planner as a ROS service."""

from __future__ import annotations

import time
from typing import Callable, Dict, List, Optional, Tuple, Union

import numpy as np
import rospy
from geometry_msgs.msg import PoseStamped
from std_msgs.msg import Header

from antipodal.errors import AntipodalError, NoGraspFound
from antipodal.msg import Grasp, GraspArray
from antipodal.planning.image_planner import ImagePlanner
from antipodal.planning.result import Plan
from antipodal.ros.connection_limits import LimitedService
from antipodal.ros.cpu_fallback import FallbackPlanner
from antipodal.ros.diagnostics import Diagnostics, ReplyStatistics
from antipodal.ros.display import Display
from antipodal.ros.headers import tf_frame
from antipodal.ros.messages import grasp_message
from antipodal.ros.options import NodeOptions
from antipodal.ros.plan_input import InputReader, PlanInput
from antipodal.ros.planning_thread import PlanningThread
from antipodal.ros.stream import ImageStream
from antipodal.srv import PlanGrasp, PlanGraspRequest, PlanGraspResponse
from antipodal.tracking.tracker import GraspTracker

MakePlan = Callable[[PlanInput, int], Plan]  # given the most grasps
OTHER_FIELDS = 2**20  # bytes of a request beside its images


class PlanServer:
    """Serves `plan_grasp`, one request at a time, and publishes each plan; with ~stream, plans in every new image."""

    def __init__(self, options: NodeOptions):
        """Load and warm up the planner, then serve: the first request is as fast as later ones."""
        self.options = options
        planner, self.planner = warm_planner(options)
        self.hands = planner.hands
        self._statistics = ReplyStatistics()
        self._planning_thread = PlanningThread(options.max_waiting, options.max_time)
        self._reader = InputReader(options)
        self._display = Display(self.hands, options.workspace)
        self._best = rospy.Publisher("~grasp", PoseStamped, queue_size=1, latch=True)
        self._all = rospy.Publisher("~grasps", GraspArray, queue_size=1, latch=True)
        self._tracker = GraspTracker(self.planner, options.tracking)
        self._stream: Optional[ImageStream] = None
        self._diagnostics = Diagnostics(self._statistics, self._status_values, self._problem)
        max_request = 6 * options.max_pixels + OTHER_FIELDS  # 4 bytes a pixel of depth, 1 of each mask
        LimitedService("plan_grasp", PlanGrasp, self.handle, max_request)
        if options.stream:
            self._stream = ImageStream(self._reader.newest, self._planning_thread, self._plan_next)

    def summary(self) -> str:
        """One line for the log: device, topics, frames, workspace, hands and models."""
        options, box = self.options, self.options.workspace
        workspace = f"{list(box.low)} to {list(box.high)} m in {box.frame!r}" if box.frame else "none"
        return (
            f"plan_grasp is ready on {self.planner.device}: service {rospy.resolve_name('plan_grasp')}, "
            f"{self._reader.topics()}, target_frame {options.target_frame or 'of the image'}, workspace {workspace}, "
            f"{self._known_of_scene()}hands {self._hand_names()}, models {options.models(self.hands)}"
        )

    def _known_of_scene(self) -> str:
        """The parameters that tell about the scene, for the log."""
        options = self.options
        known = {
            "up": options.up_frame or (list(options.up) if any(options.up) else ""),
            "table": options.table_frame or (list(options.table) if any(options.table) else ""),
            "approach": list(options.approach_axis) if any(options.approach_axis) else "",
        }
        return "".join(f"{name} {value}, " for name, value in known.items() if value)

    def _hand_names(self) -> str:
        return ", ".join(hand.name for hand in self.hands)

    def handle(self, request: PlanGraspRequest) -> PlanGraspResponse:
        """The reply to a request. A failure is a reply with its reason."""
        start = time.perf_counter()
        try:
            reply = self._planning_thread.call(self._reply, request, self._plan_request)
        except AntipodalError as e:
            reply = PlanGraspResponse(message=str(e), reason=e.reason)
        except Exception:
            self._statistics.add("error", 1e3 * (time.perf_counter() - start))
            raise  # rospy logs it and tells the caller
        latency = 1e3 * (time.perf_counter() - start)
        reply.time_names.append("total")
        reply.times_ms.append(latency)
        self._statistics.add(reply.reason, latency)
        (rospy.loginfo if reply.success else rospy.logwarn)("plan_grasp: %s", reply.message)
        return reply

    def tune(self, change: Callable[[NodeOptions], NodeOptions]) -> NodeOptions:
        """Replace the options by `change(options)` between two plans; returns the new ones. Raises what `change` does,
        Busy or TooSlow."""
        return self._planning_thread.call(self._tune, change)

    def _tune(self, change: Callable[[NodeOptions], NodeOptions]) -> NodeOptions:
        before, options = self.options, change(self.options)
        if (options.options, options.suction) != (before.options, before.suction):
            self.planner.use_options(options.options, options.suction)
        if options.workspace != before.workspace:
            self._display.show_box(options.workspace)
        self._reader.newest.max_age = options.max_age
        self.options = options
        return options

    def _plan_next(self) -> PlanGraspResponse:
        """The reply for the stream: a plan in the newest image that follows the plan before."""
        return self._reply(PlanGraspRequest(), self._plan_on)

    def _plan_on(self, inputs: PlanInput, max_grasps: int) -> Plan:
        """A plan that follows the plan before, in a depth image of the topic."""
        view, stamp = inputs.view, inputs.header.stamp.to_sec()
        arguments = view.mask, max_grasps, self.options.seed, inputs.region
        known = {"hints": inputs.hints, "approach": inputs.approach}
        return self._tracker.plan(view.depth, view.camera, stamp, *arguments, **known)

    def _plan_request(self, inputs: PlanInput, max_grasps: int) -> Plan:
        """A plan that depends on no earlier plan."""
        return inputs.plan_with(self.planner, max_grasps, self.options.seed)

    def _reply(self, request: PlanGraspRequest, plan: MakePlan) -> PlanGraspResponse:
        """The reply, made in the planning thread."""
        reply = PlanGraspResponse()
        try:
            self._fill(reply, request, plan)
        except AntipodalError as e:
            reply.reason, reply.message = e.reason, str(e)
            if isinstance(e, NoGraspFound):
                reply.message = f"no grasp found: {e}"
                _set_counts(reply, e.counts)
        return reply

    def _fill(self, reply: PlanGraspResponse, request: PlanGraspRequest, make_plan: MakePlan) -> None:
        """Plan, fill in the reply and publish."""
        start, options = time.perf_counter(), self.options
        inputs = self._reader.read(request, options)
        reply.header = inputs.header
        header, T_target_frame = self._target(inputs.header)
        T_frame_cam = inputs.view.T_frame_cam
        times_ms = {"input": 1e3 * (time.perf_counter() - start)}
        try:
            plan = make_plan(inputs, request.max_grasps or options.max_grasps)
        except NoGraspFound as e:
            self._all.publish(GraspArray(header, []))
            self._display.show(inputs.header, inputs.view, e)
            raise
        reply.success = True
        reply.grasps = [grasp_message(g, header, T_target_frame @ T_frame_cam) for g in plan]
        reply.message = f"{len(plan)} grasps, the best with P(success) = {plan[0].quality:.2f}"
        times_ms.update(plan.times_ms)
        reply.time_names, reply.times_ms = list(times_ms), list(times_ms.values())
        _set_counts(reply, plan.counts)
        self._publish(header, reply.grasps)
        self._display.show(inputs.header, inputs.view, plan)

    def _target(self, header: Header) -> Tuple[Header, np.ndarray]:
        """The header of the grasps in an image or cloud with `header`, and `T_target_frame` (4, 4) of its frame."""
        if not (self._reader.tf and self.options.target_frame):
            return header, np.eye(4)
        target = Header(stamp=header.stamp, frame_id=tf_frame(self.options.target_frame))
        return target, self._reader.tf.lookup(target.frame_id, header)

    def _publish(self, header: Header, grasps: List[Grasp]) -> None:
        self._best.publish(PoseStamped(header, grasps[0].pose))
        self._all.publish(GraspArray(header, grasps))

    def _problem(self) -> str:
        """What diagnostics warn of; "" = nothing."""
        camera = self._reader.camera_problem(self.options.stream)
        return "; ".join(filter(None, [getattr(self.planner, "problem", ""), camera, self._statistics.problem()]))

    def _status_values(self) -> Dict[str, str]:
        return {
            "device": str(self.planner.device),
            "model": self.options.models(self.hands),
            "gripper": self._hand_names(),
            "waiting": str(self._planning_thread.waiting()),
            **(self._stream.values() if self._stream else {}),
        }


def warm_planner(options: NodeOptions) -> Tuple[ImagePlanner, Union[ImagePlanner, FallbackPlanner]]:
    """The planner, warmed up, and what to call: itself, or on a GPU a FallbackPlanner. Raises AntipodalError."""
    planner = options.load_planner(options.device)
    planner.warm_up()
    if planner.device.type == "cpu":
        return planner, planner
    cpu_planner = options.load_planner("cpu")
    cpu_planner.warm_up()
    return planner, FallbackPlanner(planner, cpu_planner, lambda text: rospy.logwarn("%s", text))


def _set_counts(reply: PlanGraspResponse, counts: Dict[str, int]) -> None:
    reply.count_names, reply.counts = list(counts), list(counts.values())
