"""Suction cups and the files that describe them; a hand's file is read by its type."""

from dataclasses import replace

import numpy as np
import pytest
import yaml

from antipodal import resources
from antipodal.errors import InputError
from antipodal.grasp import Gripper, load_hand
from antipodal.suction_cup import SuctionCup

CUPS = [name for name in resources.names("grippers") if isinstance(load_hand(name), SuctionCup)]
WHOLE = SuctionCup.load("piab_b30").to_dict()


def written(folder, data):
    path = folder / "hand.yaml"
    path.write_text(yaml.safe_dump(data))
    return path


@pytest.mark.parametrize("name", CUPS)
def test_a_cup_that_came_is_of_sensible_size_and_names_its_source(name):
    cup, data = SuctionCup.load(name), yaml.safe_load(resources.locate("grippers", name).read_text())
    assert cup.name == name and "estimate" in data["source"]
    assert 0.005 < cup.radius < 0.03 and cup.travel < cup.length
    assert cup.force < 100e3 * 3.1416 * cup.radius**2  # an atmosphere on the whole lip
    assert cup.stiffness * cup.travel < cup.force  # or the vacuum could not draw the bellows together


def test_three_cups_came():
    assert len(CUPS) >= 3


def test_a_cup_reads_back_what_it_writes(tmp_path):
    cup = SuctionCup.load("piab_b30")
    path = written(tmp_path, {**cup.to_dict(), "source": "a drawing"})
    assert SuctionCup.load(path) == cup == load_hand(path)


def test_the_type_decides_which_hand_a_file_is(tmp_path):
    jaws = {**Gripper().to_dict(), "palm_size": [0.06, 0.14], "hand_box": None}
    assert isinstance(load_hand(written(tmp_path, jaws)), Gripper)
    assert isinstance(load_hand(written(tmp_path, {"type": "jaws", **jaws})), Gripper)
    assert isinstance(load_hand("piab_b30"), SuctionCup)
    with pytest.raises(InputError, match="unknown type 'claw'; possible: jaws, suction"):
        load_hand(written(tmp_path, {"type": "claw"}))


def test_the_wrong_kind_of_file_is_refused_by_its_name():
    with pytest.raises(InputError, match=r"piab_b30\.yaml describes a hand of type 'suction'; parallel jaws"):
        Gripper.load("piab_b30")
    with pytest.raises(InputError, match=r"yumi\.yaml describes no suction cup"):
        SuctionCup.load("yumi")


@pytest.mark.parametrize("text, complaint", [("- 1", "mapping"), ("{", "cannot read"), ("", "mapping")])
@pytest.mark.parametrize("load", [SuctionCup.load, load_hand])
def test_a_file_is_a_mapping(tmp_path, load, text, complaint):
    path = tmp_path / "cup.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint):
        load(path)


@pytest.mark.parametrize(
    "change, complaint",
    [
        ({"raduis": 0.01}, "unknown raduis"),
        ({"radius": -0.01}, "radius must be a number above 0"),
        ({"radius": 16.0}, "below 0.2 m"),
        ({"force": "much"}, "force must be a number"),
        ({"force": True}, "force must be a number"),
        ({"friction": float("nan")}, "friction must be a number"),
        ({"length": float("inf")}, "length must be a number above 0"),
        ({"stiffness": -1}, "stiffness must be a number above 0 and below 1e9, got -1"),
        ({"force": 10**400}, "force must be a number above 0 and below"),
        ({"travel": 0.05}, "travel below the length"),
        ({"travel": 0.032, "length": 0.032}, "travel below the length"),
        ({"body_size": [40.0, 40.0, 90.0]}, "body_size below 1 m"),
        ({"body_size": None}, "three lengths"),
        ({"body_size": "abc"}, "three lengths"),
        ({1: 2, "x": 3}, "unknown 1, x"),
        ({"name": 5}, "name must be a text"),
        ({"name": ""}, "name must be a text"),
        ({"body_size": 0.1}, "three lengths"),
        ({"body_size": [0.1, 0.1]}, "three lengths"),
        ({"body_size": [0.1, 0.1, 0]}, "body_size.2. must be a number above 0"),
    ],
)
def test_a_bad_file_says_what_is_wrong(tmp_path, change, complaint):
    with pytest.raises(InputError, match=complaint):
        SuctionCup.load(written(tmp_path, {**WHOLE, **change}))


@pytest.mark.parametrize("missing", sorted(set(WHOLE) - {"type"}))
def test_every_value_is_needed(tmp_path, missing):
    with pytest.raises(InputError, match=f"lacks {missing}"):
        SuctionCup.load(written(tmp_path, {k: v for k, v in WHOLE.items() if k != missing}))


def test_keys_that_are_no_text_are_named_for_jaws_too(tmp_path):
    with pytest.raises(InputError, match="unknown 1, x"):
        Gripper.load(written(tmp_path, {1: 2, "x": 3}))


def test_numbers_of_numpy_are_numbers():
    cup = replace(SuctionCup.load("piab_b30"), radius=np.float32(0.01), force=np.int64(5), body_size=np.full(3, 0.05))
    assert (cup.radius, cup.force, cup.body_size) == (pytest.approx(0.01), 5.0, (0.05, 0.05, 0.05))
    assert all(type(value) is float for value in [cup.radius, cup.force, *cup.body_size])
