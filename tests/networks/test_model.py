"""Architectures have the published sizes and answers; model files rebuild themselves and run nothing."""

import pickle
import sys
import types

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from antipodal import networks
from antipodal.errors import InputError, ModelError
from antipodal.grasp import Gripper
from antipodal.networks import quantised
from antipodal.networks.architectures import ARCHITECTURES
from antipodal.networks.gqcnn import LocalResponseNorm
from antipodal.networks.model import GraspNetwork
from antipodal.networks.score import make_score
from antipodal.networks.suction_crops import suction_crop_definition

NAMES = ["patch", "resnet", "gqcnn2", "gqcnn2_pool", "gqcnn4"]


def batch(n=3, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.rand(n, 1, 32, 32, generator=g) * 2 - 1, torch.rand(n, 4, generator=g)


@pytest.mark.parametrize("name", NAMES)
def test_every_architecture_gives_one_finite_logit_a_crop_and_reaches_every_parameter(name):
    torch.manual_seed(0)
    network = GraspNetwork(name)
    crops, conditions = batch()
    logits = network(crops, conditions)
    assert logits.shape == (3,) and bool(torch.isfinite(logits).all())
    F.binary_cross_entropy_with_logits(logits, torch.tensor([0.0, 1.0, 0.5])).backward()
    silent = [n for n, p in network.named_parameters() if p.grad is None]
    assert silent == []


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_depends_on_its_own_crop_and_condition_alone(name):
    torch.manual_seed(1)
    network = GraspNetwork(name).eval()
    crops, conditions = batch()
    logits = network(crops, conditions)
    torch.testing.assert_close(network(crops[1:2], conditions[1:2]), logits[1:2], rtol=1e-4, atol=1e-5)
    moved = conditions.clone()
    moved[1, 0] += 0.5
    changed = (network(crops, moved) - logits).abs() > 1e-6
    assert changed.tolist() == [False, True, False]


def test_published_numbers_of_parameters():
    count = {n: networks.count_parameters(GraspNetwork(n)) for n in NAMES}
    assert count["gqcnn2"] == 18_025_826  # "18 M" in Mahler et al. 2017
    assert count["gqcnn2_pool"] == 5_442_914
    assert count["gqcnn4"] == 631_410
    assert 200_000 < count["patch"] < 350_000


def test_flops_count_a_multiply_add_as_two():
    stem, convolutions, skip, head = 64 * 16, 4 * 16 * 9, 16, 16 + 4 + 2 + 1
    network = GraspNetwork("patch", channels=1, hidden=1)
    assert networks.flops(network) == 2 * (stem + convolutions + skip + head)


def test_local_response_norm_is_torchs_of_size_5():
    x = torch.rand(2, 9, 5, 5, generator=torch.Generator().manual_seed(0)) * 100
    torch.testing.assert_close(LocalResponseNorm(9)(x), F.local_response_norm(x, 5, alpha=1e-4, beta=0.75, k=1.0))


def test_temperature_divides_the_logits_and_is_kept(tmp_path):
    network = GraspNetwork("patch").eval()
    crops, conditions = batch()
    plain = network(crops, conditions)
    network.temperature.fill_(2.0)
    networks.save(tmp_path / "m.pt", network, {})
    loaded, _ = networks.load(tmp_path / "m.pt", "cpu")
    torch.testing.assert_close(loaded(crops, conditions), plain / 2)
    torch.testing.assert_close(loaded.quality(crops, conditions), torch.sigmoid(plain / 2))


def test_a_file_rebuilds_its_network_and_meta(tmp_path):
    torch.manual_seed(2)
    network = GraspNetwork("patch", channels=16, hidden=8).eval()
    meta = {"command": "x --y", "metrics": {"auc": np.float64(0.5)}, "range": (0.05, 0.14)}
    networks.save(tmp_path / "sub" / "m.pt", network, meta)
    loaded, read = networks.load(tmp_path / "sub" / "m.pt", "cpu")
    assert not loaded.training
    assert torch.equal(loaded(*batch()), network(*batch()))
    assert read["metrics"] == {"auc": 0.5} and read["range"] == [0.05, 0.14]
    assert read["crop"] == networks.crop_definition()
    assert [p.name for p in (tmp_path / "sub").iterdir()] == ["m.pt"]


def test_an_imported_layout_rebuilds_itself(tmp_path):
    options = {"size": 16, "convs": [(3, 4, 2, True)], "padding": "valid", "fc3": 8, "pc1": 2, "fc4": 8}
    network = GraspNetwork("gqcnn", **options).eval()
    networks.save(tmp_path / "m.pt", network, {"crop": {"input": networks.PIXEL_CROP, "size": 16}})
    loaded, meta = networks.load(tmp_path / "m.pt", "cpu")
    assert meta["crop"]["input"] == "pixel crop"
    assert torch.equal(loaded(*batch()), network(*batch()))


class Bomb:
    """A pickle that would create a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("write", [lambda o, p: torch.save(o, p), lambda o, p: p.write_bytes(pickle.dumps(o))])
def test_a_file_that_would_run_code_is_refused_and_never_run(tmp_path, write):
    write({"format": 1, "meta": Bomb(tmp_path / "ran")}, tmp_path / "evil.pt")
    with pytest.raises(ModelError, match=r"evil\.pt is not a readable model file"):
        networks.load(tmp_path / "evil.pt", "cpu")
    assert not (tmp_path / "ran").exists()


def stored(tmp_path, **changes):
    """A saved model with some of its entries changed."""
    path = tmp_path / "m.pt"
    networks.save(path, GraspNetwork("patch", channels=8, hidden=4), {})
    networks.save_plain(path, {**torch.load(path, weights_only=True), **changes})
    return path


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"format": 99}, "model format 99; this version reads 1"),
        ({"architecture": "vgg"}, "unknown architecture 'vgg'; possible: patch"),
        ({"options": '{"channels": 9, "hidden": 4}'}, "size mismatch"),
        ({"options": '{"depth": 9}'}, "unexpected keyword"),
        ({"state": {}}, "Missing key"),
        ({"meta": '{"crop": {"size": 64}}'}, "was trained on"),
        ({"meta": "[1]"}, "cannot rebuild"),
        ({"meta": "{"}, "cannot rebuild"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path, changes, message):
    with pytest.raises(ModelError, match=message):
        networks.load(stored(tmp_path, **changes), "cpu")


def test_a_missing_truncated_or_foreign_file_is_a_model_error(tmp_path):
    path = stored(tmp_path)
    whole = path.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 100):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelError, match="not a readable model file"):
            networks.load(path, "cpu")
    with pytest.raises(ModelError, match=r"no model file .*absent\.pt, nor one that came by name"):
        networks.load(tmp_path / "absent.pt", "cpu")
    torch.save([1, 2], path)
    with pytest.raises(ModelError, match="holds a list"):
        networks.load(path, "cpu")


def test_weights_that_are_not_finite_are_refused(tmp_path):
    network = GraspNetwork("patch", channels=8, hidden=4)
    torch.nn.init.constant_(network.body.head.logit.bias, float("nan"))
    networks.save(tmp_path / "m.pt", network, {})
    with pytest.raises(ModelError, match="not finite"):
        networks.load(tmp_path / "m.pt", "cpu")


def test_a_failed_save_leaves_the_old_file_and_no_litter(tmp_path):
    path = stored(tmp_path)
    before = path.read_bytes()
    with pytest.raises(Exception):  # noqa: B017 (whatever torch says of an object that it cannot pickle)
        networks.save_plain(path, {"x": lambda: 0})
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    with pytest.raises(InputError, match="plain JSON"):
        networks.save(path, GraspNetwork("patch"), {"x": torch.zeros(1)})


def test_devices():
    assert networks.pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert networks.pick_device("cpu") == torch.device("cpu")
    for name in ("tpu", "gpu", "cuda:x", ""):
        with pytest.raises(InputError, match="possible: auto, cpu, cuda, cuda:N"):
            networks.pick_device(name)
    with pytest.raises(InputError, match="is not there"):
        networks.pick_device("cuda:99")


def test_unknown_architectures_and_options_are_refused():
    with pytest.raises(InputError, match=", ".join(ARCHITECTURES)):
        GraspNetwork("alexnet")
    with pytest.raises(InputError, match="architecture patch"):
        GraspNetwork("patch", width=3)


@pytest.mark.parametrize("architecture", ["patch", "resnet"])
def test_the_form_for_planning_is_the_same_function_at_every_batch_size(architecture):
    torch.manual_seed(0)
    network = GraspNetwork(architecture).eval()
    network.temperature.fill_(1.7)
    fast = networks.for_planning(network)
    for n in (1, 2, 77):
        crops, conditions = torch.randn(n, 1, 32, 32), torch.rand(n, 4)
        with torch.no_grad():
            torch.testing.assert_close(fast(crops, conditions), network(crops, conditions), atol=1e-5, rtol=1e-4)


def test_a_suction_model_is_read_with_its_crops_and_refused_with_others(tmp_path):
    made = suction_crop_definition()
    networks.save(tmp_path / "cup.pt", GraspNetwork("patch"), {"crop": made})
    network, meta = networks.load(tmp_path / "cup.pt", device="cpu")
    assert meta["crop"] == made
    with pytest.raises(ModelError, match="suction cup"):
        make_score(network, meta["crop"], Gripper())
    networks.save(tmp_path / "old.pt", GraspNetwork("patch"), {"crop": {**made, "side": 3.0}})
    with pytest.raises(ModelError, match="was trained on"):
        networks.load(tmp_path / "old.pt", device="cpu")


def test_a_dense_model_says_that_it_takes_height_maps(tmp_path):
    networks.save(tmp_path / "dense.pt", GraspNetwork("dense", channels=8), {})
    network, meta = networks.load(tmp_path / "dense.pt", device="cpu")
    assert meta["crop"]["input"] == networks.HEIGHT_MAP and network.conditions == 5
    assert GraspNetwork("patch", channels=8).conditions == 4
    assert networks.flops(network) > 0


def with_examples(network, count=64):
    network.examples = torch.rand(count, 1, 32, 32) - 0.5, torch.rand(count, 4)
    return network.eval()


def trained_like(architecture="patch"):
    """A network whose layers all take part, which a fresh one's zero-initialised ones do not."""
    torch.manual_seed(0)
    network = GraspNetwork(architecture)
    for p in network.parameters():
        if p.dim() > 1:
            torch.nn.init.kaiming_normal_(p)
    return with_examples(network)


def test_examples_come_back_from_the_file(tmp_path):
    network = trained_like()
    networks.save(tmp_path / "m.pt", network, {})
    loaded, _ = networks.load(tmp_path / "m.pt", "cpu")
    for ours, theirs in zip(loaded.examples, network.examples):
        torch.testing.assert_close(ours, theirs, atol=5e-4, rtol=0)
    assert networks.load(stored(tmp_path), "cpu")[0].examples is None
    for wrong in ([1, 2], [torch.zeros(1)], "crops"):
        with pytest.raises(ModelError, match="cannot rebuild"):
            networks.load(stored(tmp_path, examples=wrong), "cpu")


def test_in_eight_bits_the_network_answers_alike_at_every_batch_size():
    pytest.importorskip("openvino")
    network = trained_like()
    fast = quantised.quantised(network, network.examples)
    assert fast(torch.empty(0, 1, 32, 32), torch.empty(0, 4)).shape == (0,)
    crops, conditions = torch.rand(77, 1, 32, 32) - 0.5, torch.rand(77, 4)
    with torch.no_grad():
        exact = network(crops, conditions)
    assert exact.std() > 0.1
    for n in (1, 10, 16, 77):
        torch.testing.assert_close(fast(crops[:n], conditions[:n]), fast(crops, conditions)[:n], atol=1e-5, rtol=0)
    assert (fast(crops, conditions) - exact).abs().mean() < 0.1 * exact.std()


def test_a_runtime_that_answers_otherwise_is_refused(monkeypatch):
    pytest.importorskip("openvino")
    network = trained_like()
    monkeypatch.setattr(quantised, "_round_layer", lambda openvino, op, low, high: None)
    assert quantised.quantised(network, network.examples) is not None
    other = trained_like()
    monkeypatch.setattr(quantised, "_in_8_bits", lambda ov, n, *rest, make=quantised._in_8_bits: make(ov, other, *rest))
    torch.nn.init.constant_(other.body.head.logit.bias, 3.0)
    with pytest.warns(RuntimeWarning, match="in 8 bits P.success. is off by 0"):
        assert quantised.quantised(network, network.examples) is None


def test_without_the_runtime_torch_plans(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    network = trained_like()
    assert quantised.quantised(network, network.examples) is None
    with torch.no_grad():
        torch.testing.assert_close(networks.for_planning(network)(*network.examples), network(*network.examples))


def test_a_runtime_that_fails_is_left_with_a_warning(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", types.SimpleNamespace())
    network = trained_like()
    with pytest.warns(RuntimeWarning, match="OpenVINO cannot run this network, torch does"):
        assert quantised.quantised(network, network.examples) is None


FOREIGN = {
    "module": lambda path: torch.save(torch.nn.Linear(2, 2), path),
    "script": lambda path: torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)).save(str(path)),
    "pickle": lambda path: path.write_bytes(pickle.dumps({"a": 1})),
    "text": lambda path: path.write_text("hello"),
    "empty": lambda path: path.write_bytes(b""),
    "state": lambda path: torch.save(torch.nn.Linear(2, 2).state_dict(), path),
    "tensor format": lambda path: torch.save({"format": torch.zeros(3)}, path),
}


@pytest.mark.parametrize("write", FOREIGN.values(), ids=FOREIGN)
def test_foreign_files_are_refused_without_advice_to_trust_them(write, tmp_path, recwarn):
    write(tmp_path / "m.pt")
    recwarn.clear()
    with pytest.raises(ModelError) as refused:
        networks.load(tmp_path / "m.pt")
    said = str(refused.value) + "".join(str(w.message) for w in recwarn)
    assert "m.pt" in said
    assert not any(word in said.lower() for word in ("weights_only", "weights only", "trust", "jit.load"))


@pytest.mark.parametrize("examples", [5, [torch.zeros(3)], [torch.zeros(3), torch.zeros(3, 4)]])
def test_examples_that_are_none_are_refused(examples, tmp_path):
    networks.save(tmp_path / "m.pt", GraspNetwork("patch"), {})
    networks.save_plain(tmp_path / "m.pt", {**torch.load(tmp_path / "m.pt", weights_only=True), "examples": examples})
    with pytest.raises(ModelError, match="cannot rebuild"):
        networks.load(tmp_path / "m.pt")
