"""MuJoCo 3.2.3, the last for Python 3.8, has fewer functions and arguments: the same model is built without them."""

from types import SimpleNamespace

import mujoco
import numpy as np
import pytest

from antipodal.grasp import Gripper
from antipodal.sim import cell
from antipodal.sim.cell import Cell
from antipodal.sim.objects import box
from antipodal.sim.world import build_world

MISSING = {"set_to_position", "inertia", "option"}
WITHOUT_VALUES = {"add_mesh", "add_actuator", "add_equality", "add_freejoint"}


class Old:
    """An MjSpec, or an element of one, that lacks what MuJoCo 3.2.3 lacks."""

    def __init__(self, new):
        object.__setattr__(self, "_new", new)

    def __getattr__(self, name):
        if name in MISSING:
            raise AttributeError(name)
        value = getattr(self._new, name)
        if name == "worldbody":
            return Old(value)
        return self._old(name, value) if name.startswith("add_") else value

    def __setattr__(self, name, value):
        assert name not in MISSING
        setattr(self._new, name, value)

    def _old(self, name, function):
        def add(**values):
            if "zaxis" in values or (values and name in WITHOUT_VALUES):
                raise TypeError(f"{name}(): incompatible function arguments")
            return Old(function(**values))

        return add


@pytest.fixture
def old(monkeypatch):
    new = mujoco.MjSpec
    monkeypatch.setattr(mujoco, "MjSpec", lambda: Old(new()))
    monkeypatch.setattr(cell, "SLEEP", 0)


def test_the_same_cell_is_built(old, monkeypatch):
    bodies = [box("a", (0.04, 0.10, 0.03)), box("b", (0.05, 0.05, 0.05))]
    without = build_world(Gripper(), bodies)
    monkeypatch.undo()
    with_all = build_world(Gripper(), bodies)
    for name in ("actuator_gainprm", "actuator_biasprm", "actuator_forcerange", "eq_data", "body_mass", "mesh_vert"):
        np.testing.assert_array_equal(getattr(without, name), getattr(with_all, name))
    for name in ("timestep", "integrator", "cone", "impratio", "noslip_iterations"):
        assert getattr(without.opt, name) == getattr(with_all.opt, name)


def test_objects_fall_and_rest(old):
    table = Cell(Gripper())
    table.drop([box("a", (0.04, 0.10, 0.03))], np.random.default_rng(0))
    assert 0.01 < table.pose(0)[2, 3] < 0.06
    with table._bystanders_asleep():
        assert table.model.opt.enableflags == 0


def test_a_pile_is_made(old):
    trimesh = pytest.importorskip("trimesh")
    piles = pytest.importorskip("antipodal.synth.objects.piles")
    shape = trimesh.creation.box((0.05, 0.04, 0.03))
    thing = SimpleNamespace(vertices=np.asarray(shape.vertices), center_of_mass=np.zeros(3))
    poses = piles._drop([thing, thing], piles.PileOptions(), np.random.default_rng(0))
    assert poses.shape == (2, 4, 4) and (poses[:, 2, 3] > 0.01).all()
