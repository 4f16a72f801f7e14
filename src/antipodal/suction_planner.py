"""The planner of a suction cup: a depth image in, ranked contacts out. After Dex-Net 3.0 (Mahler et al., ICRA 2018)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Optional, Tuple, Union

import numpy as np
import torch

from antipodal import networks
from antipodal.errors import InputError
from antipodal.grasp import Hand
from antipodal.networks.pick_calibration import PickCalibration
from antipodal.networks.suction_score import SuctionCropScore, SuctionScore, make_suction_score
from antipodal.networks.threads import single_threaded_opencv, single_threaded_torch
from antipodal.perception.table import AHEAD
from antipodal.planning.approach_cone import Approach, ApproachCone, check_approach, cone_of, free_directions
from antipodal.planning.asked import Asked, check_kind
from antipodal.planning.image_planner import Chosen, ImagePlanner
from antipodal.planning.options import PlannerOptions
from antipodal.planning.ranking import apart_from_failed, centered_in
from antipodal.planning.request import Request, apart_from, make_request
from antipodal.planning.result import Clock, Plan, told_of
from antipodal.planning.suction_options import SuctionOptions
from antipodal.planning.suction_pipeline import SuctionPipeline
from antipodal.suction_cup import KIND, SuctionCup


class SuctionPlanner(ImagePlanner):
    """Plans suction grasps with one network and one cup, on the CPU."""

    device = torch.device("cpu")

    def __init__(
        self,
        network: torch.nn.Module,
        cup: SuctionCup,
        options: Optional[SuctionOptions] = None,
        meta: Optional[Dict[str, Any]] = None,
    ):
        """network: maps crops (N, 1, 32, 32) and conditions (N, 4) to logits (N,), see networks/suction_crops.py;
        `networks.flatness.Flatness` is one that needs no training. meta: what the network's file says, where it came
        from one: what it is fed, and how picks calibrate it. Sets OpenCV to one thread in this process. Raises
        ModelError for a file of jaws."""
        single_threaded_opencv()
        check_kind("cup", cup, SuctionCup)
        check_kind("options", options, SuctionOptions)
        self.network, self.cup = network, cup
        told: Dict[str, Any] = {name: value for name, value in (meta or {}).items() if name in ("crop", "picks")}
        self._file = told or None
        self.calibration = PickCalibration.of_model(meta or {}, cup.name)
        self.score: SuctionScore = make_suction_score(network, meta["crop"]) if meta else SuctionCropScore(network)
        self.tune(options or SuctionOptions())

    def __reduce__(self) -> tuple:
        """Pickled as the network and what it was told; made ready to plan anew where it is unpickled."""
        return type(self), (self.network, self.cup, self.options, self._file)

    @classmethod
    def load(
        cls,
        model: Union[str, Path],
        cup: SuctionCup,
        device: str = "auto",
        options: Optional[SuctionOptions] = None,
    ) -> SuctionPlanner:
        """The planner with the network of a model file. Raises ModelError where the file holds none on suction crops,
        InputError for a device that is no CPU."""
        if device not in ("auto", "cpu"):
            raise InputError(f"a suction cup is planned for on the CPU; possible devices: auto, cpu; got {device!r}")
        network, meta = networks.load(model, device="cpu")
        return cls(network, cup, options, meta)

    def tune(self, options: SuctionOptions, cup: Optional[SuctionCup] = None) -> None:
        """Plan with other options from now on, and for another cup where one is given."""
        self.options, self.cup = options, cup or self.cup
        if cup is not None:
            self.calibration = PickCalibration.of_model(self._file or {}, cup.name)
        self.pipeline = SuctionPipeline(self.score, self.cup, options)

    @property
    def hands(self) -> Tuple[Hand, ...]:
        """What it plans for."""
        return (self.cup,)

    def use_options(self, jaws: PlannerOptions, suction: SuctionOptions) -> None:
        """Plan with other options from now on, those for suction."""
        self.tune(suction)

    @torch.inference_mode()
    def plan_asked(self, asked: Asked) -> Plan:
        """Grasps in the frame of the first view's camera. Raises InputError or NoGraspFound."""
        clock, options = Clock(), self.options
        counts: Dict[str, int] = {}
        approach = check_approach(options.approach if asked.approach is None else asked.approach)
        with single_threaded_torch():
            with clock("table"):
                scene, seen = asked.observed(options.table, options.segmentation, options.fusion)
            with told_of(scene, asked.camera):
                start = [g for g in asked.start if g.kind == KIND]
                request = make_request(scene, asked.window, start, counts, seen, asked.labels)
                failed = [g for g in asked.avoid if g.kind == KIND]
                request = apart_from(request, failed, asked.camera, counts)
                request = self._along(replace(request, support=scene.support), approach)
                ranked, poses = self.pipeline(request, asked.camera, asked.seed, counts, clock, asked.trace)
        with clock("ranking"), told_of(scene, asked.camera):
            calibration = self.calibration.beside(ranked.quality)
            ranked = replace(ranked, quality=calibration(ranked.quality))
            if asked.trace is not None:
                asked.trace.frames = poses
                asked.trace.calibrate(calibration)
            ranked = apart_from_failed(ranked, poses, failed, counts)
            ranked = centered_in(asked.window, ranked, poses, asked.camera, counts, asked.beside(seen))
            chosen = Chosen(ranked, poses, asked, options, counts)
        return chosen.plan(scene, clock, self.cup.name, KIND)

    def _along(self, request: Request, approach: Approach) -> Request:
        """The request with the cone of approaches that was asked for. Raises InputError where all of it comes from
        below the support."""
        normal = None if request.support is None else request.support.normal
        cone = cone_of(approach, normal)
        if cone is None:
            x, y, z = AHEAD if approach == "camera" or normal is None else normal
            cone = ApproachCone((float(x), float(y), float(z)), self.options.lean)
        if normal is not None and np.dot(cone.axis, normal) < -np.sin(cone.angle):
            free_directions(cone, 1, normal)  # says why there is none
        return replace(request, cone=cone)
