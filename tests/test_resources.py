"""Grippers, cameras and models by name, by path, and by their path within the package."""

import pytest
from conftest import REPO

from antipodal import networks, resources
from antipodal.camera import Camera
from antipodal.errors import InputError, ModelError
from antipodal.grasp import Gripper, load_hand


def test_every_gripper_and_camera_that_came_is_found_by_its_name():
    for kind, load in (("grippers", load_hand), ("cameras", Camera.load)):
        files = sorted((REPO / "config" / kind).glob("*.yaml"))
        assert resources.names(kind) == [f.stem for f in files] and files
        for file in files:
            assert load(file.stem) == load(file.name) == load(file)
            assert resources.locate(kind, file.stem) == file


def test_a_models_name_is_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resources.locate("models", "default") == REPO / "models" / "default.pt"
    assert networks.load("default", "cpu")[1]["crop"] == networks.load(REPO / "models" / "default.pt", "cpu")[1]["crop"]


def test_a_folder_called_like_what_came_hides_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind, name in (("grippers", "yumi"), ("models", "default")):
        (tmp_path / name).mkdir()
        assert resources.locate(kind, name).parent.parent != tmp_path and resources.locate(kind, name).is_file()


def test_a_file_comes_before_a_name_and_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("x")
    assert resources.locate("grippers", "mine.yaml") == tmp_path / "mine.yaml"
    assert resources.locate("grippers", "./mine.yaml").is_absolute()
    (tmp_path / "yumi").write_text("x")
    assert resources.locate("grippers", "yumi") == tmp_path / "yumi"


def test_a_path_within_the_package_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert resources.locate("grippers", "config/grippers/yumi.yaml") == REPO / "config" / "grippers" / "yumi.yaml"


@pytest.mark.parametrize("load, kind", [(Gripper.load, "gripper"), (Camera.load, "camera")])
def test_what_is_not_there_names_the_absolute_path_and_what_is(load, kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=f"no {kind} file {tmp_path}/sub/mine.yaml, nor one that came by name: .*, "):
        load("sub/mine.yaml")


def test_a_near_miss_is_suggested():
    with pytest.raises(InputError, match=r"did you mean franka_hand\?"):
        Gripper.load("franka_hnad")
    with pytest.raises(ModelError, match=r"did you mean default\?"):
        networks.load("defualt", "cpu")


@pytest.mark.parametrize("name", ["../grippers/yumi.yaml", "", "/", "config/grippers"])
def test_no_folder_and_nothing_outside_the_package_is_taken(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        Gripper.load(name)
