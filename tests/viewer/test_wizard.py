"""A hand's URDF becomes the boxes that planning uses; what it does not show is asked for, never assumed."""

import numpy as np
import pytest

from antipodal.errors import InputError
from antipodal.grasp import Gripper
from antipodal.synth.hand import read_hand
from antipodal.viewer.draft import WORDS, Draft, standing_out

BASE = '<link name="base"><collision><origin xyz="0 0 -0.02"/><geometry><box size="0.06 0.19 0.04"/></geometry>'
JAW = """<link name="{name}"><collision><origin xyz="0 {y} 0.025"/><geometry><box size="0.02 0.012 0.05"/></geometry>
</collision>{more}</link>"""
SLIDE = """<joint name="{name}" type="prismatic"><parent link="base"/><child link="{name}"/><axis xyz="0 {way} 0"/>
<limit lower="0" upper="0.04"/>{mimic}</joint>"""


def urdf(path, more="", mimic='<mimic joint="left"/>'):
    jaws = JAW.format(name="left", y=0.006, more=more) + JAW.format(name="right", y=-0.006, more="")
    slides = SLIDE.format(name="left", way=1, mimic="") + SLIDE.format(name="right", way=-1, mimic=mimic)
    path.write_text(f'<robot name="hand">{BASE}</collision></link>{jaws}{slides}</robot>')
    return path


def test_a_hand_moves_from_closed_to_open(tmp_path):
    hand = read_hand(urdf(tmp_path / "hand.urdf"))
    assert hand.moves
    gaps = []
    for share in (0.0, 0.5, 1.0):
        tips = hand.at(share).vertices
        tips = tips[tips[:, 2] > 0.04]
        gaps.append(tips[tips[:, 1] > 0, 1].min() - tips[tips[:, 1] < 0, 1].max() if share else 0.0)
    assert gaps == pytest.approx([0.0, 0.04, 0.08])
    turned = hand.at(1.0, approach="x", closing="y")
    assert np.ptp(turned.vertices, axis=0) == pytest.approx(np.ptp(hand.at(1.0).vertices, axis=0)[[2, 1, 0]])
    with pytest.raises(InputError, match="two different axes"):
        hand.at(1.0, approach="y", closing="-y")


def test_broken_hands_are_refused(tmp_path):
    with pytest.raises(InputError, match="mimics nobody"):
        read_hand(urdf(tmp_path / "a.urdf", mimic='<mimic joint="nobody"/>'))
    (tmp_path / "b.urdf").write_text("<robot/>")
    with pytest.raises(InputError, match="no link has geometry"):
        read_hand(tmp_path / "b.urdf")
    with pytest.raises(InputError, match="cannot read"):
        read_hand(tmp_path / "missing.urdf")


def test_a_draft_comes_back_from_its_texts():
    gripper = Gripper(name="mine", force=20.0, hand_box=None)
    draft = Draft.of(gripper)
    again = Draft.from_text("mine", draft.texts())
    assert again.gripper() == gripper and not again.missing()


def test_a_missing_value_is_refused_not_assumed(tmp_path):
    texts = {**Draft.of(Gripper()).texts(), "force": "", "pad_length": " "}
    draft = Draft.from_text("mine", texts)
    assert draft.missing() == [WORDS["pad_length"], WORDS["force"]]
    assert draft.shape() is not None  # it can be drawn all the same
    for refused in (draft.gripper, lambda: draft.yaml("me")):
        with pytest.raises(InputError, match="missing: pad length, closing force"):
            refused()
    with pytest.raises(InputError, match="must be a number"):
        Draft.from_text("mine", {**texts, "force": "__import__('os')"})


def test_the_yaml_is_one_that_the_planner_reads(tmp_path):
    gripper = Gripper(name="mine", max_width=0.07, hand_box=None)
    (tmp_path / "mine.yaml").write_text(Draft.of(gripper).yaml("measured"))
    assert Gripper.load(tmp_path / "mine.yaml") == gripper


def test_what_stands_out_of_the_boxes_is_said():
    gripper = Gripper()
    inside = np.array([[0.0, 0.045, -0.01], [0.0, 0.0, -0.065], [0.0, 0.0, -0.2]])
    assert standing_out(inside, gripper, gripper.max_width) == ""
    knuckle = np.array([[0.0, 0.075, -0.03]])
    text = standing_out(np.concatenate([inside, knuckle]), gripper, gripper.max_width)
    assert "by up to 22 mm" in text and "30 mm behind the tips" in text


def test_the_tab_measures_asks_and_warns(tmp_path):
    pytest.importorskip("viser", reason="needs viser: pip install 'antipodal[viewer]'")
    from antipodal.viewer.server import make_server
    from antipodal.viewer.wizard import Wizard

    server, used = make_server(0, "x"), []
    knuckle = '<collision><origin xyz="0 0.012 0.01"/><geometry><box size="0.03 0.024 0.02"/></geometry></collision>'
    wizard = Wizard(server, Gripper(), urdf(tmp_path / "hand.urdf", knuckle), "m", used.append)
    assert wizard.worker.wait()
    assert wizard.draft().values["max_width"] == pytest.approx(0.08) and wizard.draft().values["min_width"] == 0
    assert "missing: pad length, closing force" in wizard.state.content
    wizard._use()
    assert not used
    for key, text in (("pad_length", "15"), ("force", "70")):
        wizard.fields[key].value = text
    assert wizard.worker.wait()
    assert "stands out of the boxes" in wizard.state.content  # the knuckle
    wizard.fields["jaw_thickness"].value, wizard.fields["jaw_width"].value = "24", "30"
    assert wizard.worker.wait()
    assert "complete" in wizard.state.content
    wizard._use()
    assert used[0].jaw_thickness == 0.024 and used[0].force == 70.0
    wizard.end()
    server.stop()
