"""Executes grasps of all qualities, not only the best: what the planner's scores are worth as probabilities."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import List, Sequence

import numpy as np

from antipodal.both_hands import BothHands, load_planner
from antipodal.errors import AntipodalError, NoGraspFound
from antipodal.grasp import Grasp
from antipodal.networks.pick_calibration import PickCalibration
from antipodal.planning.image_planner import ImagePlanner
from antipodal.planning.suction_options import SuctionOptions
from antipodal.sim.evaluate import read_trials
from antipodal.sim.trials import Runner, TrialOptions
from antipodal.synth.images.noise import sensor_errors

CHOICE = 8  # seed beside the scene's, for which grasps are executed


def spread_picks(options: TrialOptions, scenes: int, count: int, log: Path) -> List[dict]:
    """Up to `count` executed grasps of each scene, spread evenly over their scores: scene, quality (the score,
    before any calibration), best (whether it was the planner's first) and kind of outcome.

    Every grasp meets the scene as it was seen. Scenes are appended to `log`; those that it holds are not run again.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    runner = Runner(options)  # refuses what cannot be run before a log is begun
    done = {row["scene"]: row for row in read_trials(log, options)}
    hand, model = options.cup or options.gripper, options.model
    jaws, suction = replace(options.planner, min_quality=0.0), SuctionOptions(min_quality=0.0)
    planner = load_planner(hand, None, model, model, "cpu", jaws, suction)
    assert not isinstance(planner, BothHands)
    planner.calibration = PickCalibration()
    with log.open("a") as file:
        for scene in [i for i in range(scenes) if i not in done]:
            done[scene] = {"scene": scene, "picks": _of_scene(runner, planner, scene, count)}
            file.write(json.dumps(done[scene]) + "\n")
            file.flush()
    return [{"scene": i, **pick} for i in range(scenes) for pick in done[i]["picks"]]


def _of_scene(runner: Runner, planner: ImagePlanner, scene: int, count: int) -> List[dict]:
    options = runner.options
    try:
        cell = runner.make_cell(scene)
        spoil = sensor_errors(options.noise)
        depth = spoil(cell.render(), cell.camera, np.random.default_rng([options.seed, scene, 2]))
        mask = cell.mask() if options.mask else None
        candidates = planner.plan(depth, cell.camera, mask, 1, scene).candidates
    except NoGraspFound:
        return []
    except AntipodalError as e:  # a mesh that cannot be used
        print(f"scene {scene}: {e}")
        return []
    picks = []
    for i in evenly_by_quality(candidates, count, np.random.default_rng([options.seed, scene, CHOICE])):
        outcome = cell.rehearse(candidates[i].T_cam_grasp, candidates[i].width, candidates[i].kind)
        picks.append({"quality": candidates[i].quality, "best": i == 0, "kind": outcome.kind})
    return picks


def evenly_by_quality(grasps: Sequence[Grasp], count: int, rng: np.random.Generator) -> List[int]:
    """Indices of the first grasp and of those, each once, whose qualities are nearest to draws from even parts of
    [0, 1]."""
    quality = np.array([grasp.quality for grasp in grasps])
    wanted = (np.arange(count - 1) + rng.random(count - 1)) / max(1, count - 1)
    chosen = [0]
    for goal in rng.permutation(wanted)[: len(grasps) - 1]:
        distance = np.abs(quality - goal)
        distance[chosen] = np.inf
        chosen.append(int(np.argmin(distance)))
    return chosen
