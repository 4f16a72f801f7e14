"""Dex-Net's suction weights give the answers of its graph, written out here in numpy, and plan."""

import json

import gqcnn_folder
import numpy as np
import pytest
import torch
from scenes import CAMERA, box, render
from scipy.signal import correlate

from antipodal import networks
from antipodal.dexnet import weights
from antipodal.errors import ModelError
from antipodal.networks.score import make_score
from antipodal.networks.suction_score import pivot_angle
from antipodal.suction_cup import SuctionCup
from antipodal.suction_planner import SuctionPlanner

POSE = {"mean": np.array([0.66, 0.3]), "std": np.array([0.03, 0.2])}
CUP = SuctionCup("cup", 0.010, 0.030, 0.006, 300.0, 12.0, 0.5, (0.05, 0.05, 0.1))


def suction_variables():
    """The layout of 4.0 with a pose stream of two numbers."""
    made = gqcnn_folder.variables("4.0")
    made["pose_stream/pc1/pc1_weights"] = np.random.default_rng(7).normal(size=(2, 16)).astype(np.float32)
    return made


@pytest.fixture(params=["suction", "legacy_suction"])
def folder(request, tmp_path, monkeypatch):
    """A gqcnn folder for suction whose checkpoint is read as `suction_variables`; statistics of the two numbers, or of
    whole hand poses."""
    gqcnn_folder.write_statistics(tmp_path, "4.0")
    config = gqcnn_folder.config("4.0")
    config["gqcnn"]["gripper_mode"] = request.param
    (tmp_path / "config.json").write_text(json.dumps(config))
    for name, value in POSE.items():
        if request.param == "legacy_suction":
            whole = np.full(7, 9.0)
            whole[[2, 3]] = value
            value = whole
        np.save(tmp_path / f"pose_{name}.npy", value)
    monkeypatch.setattr(weights, "read_checkpoint", lambda path: suction_variables())
    return tmp_path


def answer(images, poses):
    """P(success) of images (N, S, S) and poses (N, 2): convolution, leaky ReLU, pooling; two streams; softmax."""
    short = {name.split("/")[-1]: value.astype(np.float64) for name, value in suction_variables().items()}
    relu = lambda x: np.maximum(0.1 * x, x)  # noqa: E731
    x = ((images - 0.65) / 0.02)[..., None]
    for name, spec in gqcnn_folder.DEXNET4["im_stream"].items():
        if not name.startswith("conv"):
            continue
        w, b = short[f"{name}_weights"], short[f"{name}_bias"]
        x = np.stack([[correlate(one, w[..., k], "valid")[..., 0] for k in range(w.shape[-1])] for one in x])
        x = relu(np.moveaxis(x, 1, -1) + b)
        if spec["pool_size"] == 2:
            odd = [(0, 0), (0, x.shape[1] % 2), (0, x.shape[2] % 2), (0, 0)]
            x = np.pad(x, odd, constant_values=-np.inf)
            x = x.reshape(len(x), x.shape[1] // 2, 2, x.shape[2] // 2, 2, -1).max(axis=(2, 4))
    x = relu(x.reshape(len(x), -1) @ short["fc3_weights"] + short["fc3_bias"])
    p = relu((poses - POSE["mean"]) / POSE["std"] @ short["pc1_weights"] + short["pc1_bias"])
    merged = x @ short["fc4_input_1_weights"] + p @ short["fc4_input_2_weights"] + short["fc4_bias"]
    logits = relu(merged) @ short["fc5_weights"] + short["fc5_bias"]
    return 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))


def test_imported_weights_answer_as_the_graph_written_out(folder, tmp_path):
    network, meta = weights.import_weights(folder)
    networks.save(tmp_path / "m.pt", network, meta)
    network, meta = networks.load(tmp_path / "m.pt", "cpu")
    rng = np.random.default_rng(0)
    images = rng.uniform(0.6, 0.7, (20, 41, 41))
    poses = np.column_stack([rng.uniform(0.6, 0.7, 20), rng.uniform(0, 1, 20)])
    with torch.no_grad():
        given = torch.from_numpy(images[:, None]).float(), torch.from_numpy(poses).float()
        quality = network.quality(*given).numpy()
    assert np.ptp(quality) > 0.05
    np.testing.assert_allclose(quality, answer(images.astype(np.float32), poses.astype(np.float32)), atol=1e-5)
    assert meta["crop"]["input"] == "suction pixel crop" and meta["crop"]["size"] == 41


def test_it_plans_for_a_cup_and_not_for_jaws(folder, tmp_path):
    network, meta = weights.import_weights(folder)
    networks.save(tmp_path / "m.pt", network, meta)
    depth, _ = render([box((0, 0), (0.08, 0.06, 0.04), 0.3)])
    planner = SuctionPlanner.load(tmp_path / "m.pt", CUP)
    plan = planner.plan(depth, CAMERA, max_grasps=3)
    assert len(plan) and all(g.kind == "suction" for g in plan)
    with pytest.raises(ModelError, match="suction cup"):
        make_score(network, meta["crop"], None)


def test_the_pivot_is_level_with_the_crops_rows():
    """An approach that leans to +v turns about +u, which is the crop's row as it is; one that leans to +u about -v."""
    leans = np.array([[0.0, 0.6, 0.8], [0.6, 0.0, 0.8], [0.0, 0.0, 1.0], [-0.6, 0.0, 0.8]])
    np.testing.assert_allclose(pivot_angle(leans), [0.0, -np.pi / 2, 0.0, np.pi / 2], atol=1e-12)
