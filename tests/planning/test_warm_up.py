"""After its warm-up a planner compiles nothing more: a request that met a new function waited for seconds."""

import json
import os
import subprocess
import sys

from conftest import REPO

PROGRAM = """
import json, sys
sys.path.insert(0, "tests")
import numpy as np
from numba.core.dispatcher import Dispatcher
import rooms, scenes
from antipodal.errors import AntipodalError
from antipodal.perception.hints import SceneHints
from antipodal.planner import GraspPlanner

def compiled():
    modules = [m for name, m in sys.modules.items() if name.startswith("antipodal")]
    functions = {f for m in modules for f in vars(m).values() if isinstance(f, Dispatcher)}
    return {f"{f.__module__}.{f.__name__}{signature}" for f in functions for signature in f.signatures}

def plan(depth, camera, mask=None, region=None, hints=None):
    try:
        planner.plan(depth, camera, mask, region=region, hints=hints)
    except AntipodalError:
        pass

planner = GraspPlanner.load("models/default.pt", device="cpu")
cold = len(compiled())
planner.warm_up()
warm = compiled()
depth, mask = scenes.render([scenes.box((0.03, 0.02), (0.10, 0.03, 0.04), 0.4)])
for image in (depth, depth.astype(float), np.asfortranarray(depth), depth[:, ::-1], depth.astype(">f4")):
    for where in (None, mask, np.asfortranarray(mask), np.dstack([mask, mask])[..., 0]):
        plan(image, scenes.CAMERA, where)
workspace = (-0.2, -0.2, 0.3, 0.2, 0.2, 0.9)
for hints in ({"up": (0, 0, -1)}, {"table": (0, 0, 1, scenes.HEIGHT)}, {"nearest": 0.1, "farthest": 1.0},
              {"workspace": workspace}, {"robot": ~mask}):
    plan(depth, scenes.CAMERA, hints=SceneHints(**hints), region=(0, 0, 320, 240))
for number in range(30):
    furniture = [(), ("wall",), ("bin",), ("arm", "board")][number % 4]
    room = rooms.room(number, None, furniture)
    plan(room.depth, room.camera)
    plan(room.depth, room.camera, room.objects, region=np.asfortranarray(room.objects))
print(json.dumps([cold, len(warm), sorted(compiled() - warm)]))
"""


def test_nothing_is_compiled_after_the_warm_up():
    command = [sys.executable, "-c", PROGRAM]
    environment = {**os.environ, "PYTHONPATH": ":".join([str(REPO / "src"), *sys.path])}
    run = subprocess.run(command, cwd=REPO, env=environment, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    cold, warm, later = json.loads(run.stdout)
    assert cold == 0 and warm > 20
    assert later == []
