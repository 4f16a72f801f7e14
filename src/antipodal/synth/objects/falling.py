"""Objects that come to rest in MuJoCo: slowed down, so that none rolls away or hops out of a heap."""

from __future__ import annotations

from typing import Any, Callable, Sequence

import numpy as np

DRAG = 20.0  # [1/s]; objects then fall at no more than 0.5 m/s
CHUNK = 0.05  # between two looks whether all are at rest [s]


def set_drag(model: Any, names: Sequence[str], drag: float) -> None:
    """Slow the free bodies with these names, which are the model's first, in proportion to mass and inertia [1/s]."""
    for k, name in enumerate(names):
        body = model.body(name)
        model.dof_damping[6 * k : 6 * k + 6] = drag * np.append(np.repeat(body.mass, 3), body.inertia)


def falling_time(height: float) -> float:
    """How long a slowed body takes to fall from a height [m] [s]."""
    return height * DRAG / 9.81


def step_until_rest(model: Any, data: Any, longest: float, at_rest: Callable[[], bool]) -> None:
    """Let the world move until its objects are at rest, or for `longest` [s]."""
    import mujoco

    steps = round(CHUNK / model.opt.timestep)
    for _ in range(round(longest / CHUNK)):
        mujoco.mj_step(model, data, nstep=steps)
        if at_rest():
            return
