"""Dex-Net's weights give TensorFlow's answers, folders of other kinds are refused, and its data become our crops.

tests/data/gqcnn_* were written by TensorFlow 2.21 (gqcnn_folder.py).
"""

import json
import shutil
from pathlib import Path

import gqcnn_folder
import numpy as np
import pytest
import torch

from antipodal import networks
from antipodal.dexnet.__main__ import main
from antipodal.dexnet.data import DexNetDataset, DexNetOptions
from antipodal.dexnet.tfcheckpoint import read_checkpoint
from antipodal.dexnet.weights import import_weights
from antipodal.errors import InputError, ModelError, run_command
from antipodal.networks import crops

DATA = Path(__file__).parents[1] / "data"
LAYOUTS = ["2.0", "4.0"]


@pytest.fixture
def folder(tmp_path):
    """A copy of the 4.0 folder, to be damaged."""
    return Path(shutil.copytree(DATA / "gqcnn_4.0", tmp_path / "gqcnn"))


def test_the_command_tells_what_it_wrote_as_json(tmp_path, capsys):
    source, out = DATA / "gqcnn_2.0", tmp_path / "m.pt"
    assert main(["weights", str(source), str(out), "--json", "-"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"] == str(out) and told["crop"] == networks.load(out, "cpu")[1]["crop"]
    assert main(["weights", str(source), str(out), "--json", str(tmp_path / "m.json")]) == 0
    assert capsys.readouterr().out == f"{out}\n" and json.loads((tmp_path / "m.json").read_text()) == told


def check_answers(source, out):
    assert main(["weights", str(source), str(out)]) == 0
    network, meta = networks.load(out, "cpu")
    given = np.load(Path(source) / "inputs.npz")
    images, depths = torch.from_numpy(given["images"]).permute(0, 3, 1, 2), torch.from_numpy(given["depths"])
    with torch.no_grad():
        quality = network.quality(images, depths).numpy()
    assert np.ptp(quality) > 0.05  # answers that vary, or equality would say little
    np.testing.assert_allclose(quality, given["answers"][:, 1], atol=1e-5)
    return meta


@pytest.mark.parametrize("layout", LAYOUTS)
def test_imported_weights_answer_as_tensorflow_did(layout, tmp_path):
    meta = check_answers(DATA / f"gqcnn_{layout}", tmp_path / "m.pt")
    side = {"2.0": 32, "4.0": 41}[layout]
    assert meta["crop"] == {"input": "pixel crop", "size": side, "window": 96, "condition": "gripper depth [m]"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_imported_weights_answer_as_tensorflow_does(layout, tmp_path):
    pytest.importorskip("tensorflow")
    gqcnn_folder.main(layout, str(tmp_path / "gqcnn"))
    check_answers(tmp_path / "gqcnn", tmp_path / "m.pt")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_variable_of_a_checkpoint_is_read(layout):
    read = read_checkpoint(DATA / f"gqcnn_{layout}" / "model.ckpt")
    written = gqcnn_folder.variables(layout)
    assert set(read) == {*written, "global_step"} and read["global_step"] == 3
    for name, value in written.items():
        assert np.array_equal(read[name], value) and read[name].dtype == np.float32


def change(folder, **changes):
    whole = json.loads((folder / "config.json").read_text())
    whole["gqcnn"].update(changes)
    (folder / "config.json").write_text(json.dumps(whole))


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"gripper_mode": "multi_suction"}, "'multi_suction' model; possible: parallel_jaw"),
        ({"gripper_mode": "suction"}, "of another pose"),
        ({"angular_bins": 16}, "fully convolutional with 16 angular bins"),
        ({"input_depth_mode": "im_depth_sub"}, "takes its depth by 'im_depth_sub'"),
        ({"im_width": 40}, "possible: square, one channel"),
        ({"im_height": 61, "im_width": 61}, "do not fit its config.json"),
    ],
)
def test_other_kinds_of_model_are_refused(folder, changes, message):
    change(folder, **changes)
    with pytest.raises(ModelError, match=message):
        import_weights(folder)


def test_other_architectures_are_refused(folder):
    architecture = json.loads((folder / "config.json").read_text())["gqcnn"]["architecture"]
    architecture["pose_stream"]["pc2"]["out_size"] = 4
    change(folder, architecture=architecture)
    with pytest.raises(ModelError, match="layers fc3, fc4, fc5, pc1, pc2 are not"):
        import_weights(folder)
    architecture["pose_stream"]["pc2"]["out_size"] = 0
    architecture["im_stream"]["conv1_2"]["pool_size"] = 3
    change(folder, architecture=architecture)
    with pytest.raises(ModelError, match="pooling of size 3 in strides of 2"):
        import_weights(folder)


@pytest.mark.parametrize("name", ["config.json", "im_std.npy", "model.ckpt.index", "model.ckpt.data-00000-of-00001"])
def test_a_missing_or_damaged_file_is_a_model_error(folder, name):
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelError, match=r"gqcnn"):
        import_weights(folder)
    path.unlink()
    with pytest.raises(ModelError, match=r"no gqcnn model|lacks im_std|no whole TensorFlow checkpoint"):
        import_weights(folder)


def test_any_damage_to_an_index_is_a_model_error_or_harmless(folder):
    index = folder / "model.ckpt.index"
    whole = index.read_bytes()
    rng, refused = np.random.default_rng(0), 0
    for _ in range(300):
        broken = bytearray(whole)
        broken[rng.integers(len(whole))] ^= 1 << rng.integers(8)
        index.write_bytes(bytes(broken))
        try:
            read_checkpoint(folder / "model.ckpt")
        except ModelError:
            refused += 1
    assert refused > 50


def test_the_command_line_says_what_is_wrong(folder, tmp_path, capsys):
    change(folder, gripper_mode="multi_suction")
    assert run_command(main, ["weights", str(folder), str(tmp_path / "m.pt")]) == 2
    assert "suction" in capsys.readouterr().err and not (tmp_path / "m.pt").exists()


def write_dexnet_data(folder, labelled):
    """Two files of 5 and 3 samples of a wall one opening wide, its top at the gripper's depth less 10 mm."""
    (folder / "tensors").mkdir()
    rng = np.random.default_rng(0)
    for number, count in enumerate([5, 3]):
        depth = rng.uniform(0.6, 0.8, count)
        images = np.broadcast_to(depth[:, None, None, None] + 0.04, (count, 32, 32, 1)).copy()
        half = 0.025 * 175.0 / depth  # pixels
        inside = np.abs(np.arange(32) - 15.5)[None, :] < half[:, None]
        images[..., 0] = np.where(inside[:, None, :], depth[:, None, None] - 0.01, images[..., 0])
        pose = np.zeros((count, 7))
        pose[:, 2] = depth
        values = {"depth_ims_tf_table": images, "hand_poses": pose}
        values["robust_ferrari_canny"] = np.where(np.arange(count) % 2, 0.003, 0.001)
        if labelled:
            values["object_labels"] = np.full(count, 7 + number)
        for name, value in values.items():
            np.savez_compressed(folder / "tensors" / f"{name}_{number:05d}.npz", value)
    return folder


def test_dexnet_data_become_our_crops(tmp_path):
    data = DexNetDataset(write_dexnet_data(tmp_path, labelled=True))
    assert len(data) == 8 and data.objects.tolist() == [0] * 5 + [1] * 3
    batch = data.__getitems__([6, 1, 1])
    assert batch["labels"].tolist() == [1, 1, 1] and batch["objects"].tolist() == [1, 0, 0]
    assert data.__getitems__([0])["labels"].tolist() == [0]
    assert batch["conditions"].shape == (3, 4) and bool((batch["conditions"][:, 0] == 1).all())
    middle = batch["crops"][:, 0, 16]  # one opening of the crop's EXTENT openings is wall, at any depth
    torch.testing.assert_close(middle[:, 16], torch.full((3,), -0.01 / 0.05), atol=1e-5, rtol=0)
    torch.testing.assert_close(middle[:, 0], torch.full((3,), 0.04 / 0.05), atol=1e-5, rtol=0)
    share = (middle < 0.3).float().mean(1)
    assert bool(((share - 1 / crops.EXTENT).abs() < 0.08).all())


def test_without_object_labels_a_file_stands_for_an_object(tmp_path):
    assert DexNetDataset(write_dexnet_data(tmp_path, labelled=False)).objects.tolist() == [0] * 5 + [1] * 3


def test_a_folder_without_tensors_or_with_a_hole_is_refused(tmp_path):
    with pytest.raises(InputError, match="is no Dex-Net"):
        DexNetDataset(tmp_path)
    write_dexnet_data(tmp_path, labelled=False)
    (tmp_path / "tensors" / "robust_ferrari_canny_00001.npz").unlink()
    with pytest.raises(InputError, match="robust_ferrari_canny_00001"):
        DexNetDataset(tmp_path, DexNetOptions())
