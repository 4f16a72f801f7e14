"""Converts Dex-Net's own weights to this package's networks.

A gqcnn model folder holds config.json, a TensorFlow checkpoint model.ckpt.* and the means and deviations of its
inputs as .npy. Layouts read: 2.0, 2.1 and 3.0 (flat, "fc3W"), and 4.0 (streams, "im_stream/fc3_weights"), for parallel
jaws and for suction.
Names and conventions are those of the gqcnn package, gqcnn/model/tf/network_tf.py.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, Sequence, Tuple

import numpy as np
import torch

from antipodal.dexnet.tfcheckpoint import read_checkpoint
from antipodal.errors import InputError, ModelError
from antipodal.files import read_json
from antipodal.networks.gqcnn import GQCNN
from antipodal.networks.model import GraspNetwork
from antipodal.networks.pixel_crops import PixelCrops

STREAMS = ("im_stream", "pose_stream", "merge_stream")
WINDOW = 96  # pixels a side that Dex-Net's policies cut out around a grasp, then resize to the network's size
NORM = {"radius": 2, "alpha": 2e-5, "beta": 0.75, "bias": 1.0}
POSES = {  # columns of a stored hand pose that the network is fed, by gripper_mode or an older model's input_data_mode
    "parallel_jaw": (2,),  # depth
    "legacy_parallel_jaw": (2,),
    "tf_image": (2,),
    "suction": (2, 4),  # depth, and angle between approach and optical axis
    "legacy_suction": (2, 3),
    "tf_image_suction": (2, 3),
}
STATISTICS = {  # buffer -> file and its name in 2.0 models
    "image_mean": ("im_mean", "mean"),
    "image_std": ("im_std", "std"),
    "pose_mean": ("pose_mean", "pose_mean"),
    "pose_std": ("pose_std", "pose_std"),
}

Layers = Dict[str, Dict[str, Any]]


def import_weights(folder: Path) -> Tuple[GraspNetwork, Dict[str, Any]]:
    """The network of a gqcnn model folder, and its meta. Raises ModelError if the folder is damaged or of another kind.

    It takes crops (N, 1, size, size) and the gripper's depth (N, 1), in metres, cut out as Dex-Net does; one for
    suction the contact's depth and the approach's angle (N, 2).
    """
    config = read_config(folder)
    layers = flat_layers(config)
    columns = POSES[gripper_mode(config)]
    network = GraspNetwork("gqcnn", **network_options(config, layers), inputs=len(columns))
    body = network.body
    assert isinstance(body, GQCNN)
    try:
        body.load_state_dict(
            {**convert(read_checkpoint(folder / "model.ckpt"), layers, body), **statistics(folder, columns)}
        )
    except (KeyError, RuntimeError, ValueError) as e:
        raise ModelError(f"the weights in {folder} do not fit its config.json: {e}") from e
    pixels = PixelCrops(size=body.size)
    crop = pixels.definition if len(columns) == 1 else pixels.suction_definition
    return network.eval(), {"crop": crop, "source": f"gqcnn model {folder.name}", "config": config}


def gripper_mode(config: Dict[str, Any]) -> str:
    """Which kind of gripper a model is for, by its name in gqcnn."""
    return str(config.get("gripper_mode", config.get("input_data_mode")))


def read_config(folder: Path) -> Dict[str, Any]:
    """The network's part of config.json, of a classifier with a depth stream, for parallel jaws or suction."""
    try:
        whole = read_json(folder / "config.json")
        config = whole["gqcnn"] if "gqcnn" in whole else whole["gqcnn_config"]
        mode = gripper_mode(config)
        size = (config["im_height"], config["im_width"], config.get("im_channels", 1))
    except InputError as e:
        raise ModelError(f"no gqcnn model in {folder}: {e}") from e
    except (ValueError, KeyError, TypeError, AttributeError) as e:
        raise ModelError(f"{folder.absolute()}/config.json is not of a gqcnn model: {e!r}") from e
    _require(mode in POSES, f"{folder} is a {mode!r} model; possible: {', '.join(POSES)}")
    task = whole.get("training_mode", "classification")
    _require(task == "classification", f"{folder} was trained for {task}; possible: classification")
    depth = config.get("input_depth_mode", "pose_stream")
    _require(depth == "pose_stream", f"{folder} takes its depth by {depth!r}; possible: pose_stream")
    bins = config.get("angular_bins", 0)
    _require(bins == 0, f"{folder} is fully convolutional with {bins} angular bins; possible: none")
    _require(size[0] == size[1] and size[2] == 1, f"{folder} takes images of {size}; possible: square, one channel")
    return config


def flat_layers(config: Dict[str, Any]) -> Layers:
    """Layers by name, in order: convolutions, then fc3, pc1, fc4 and fc5. Layers of size 0 are left out."""
    given = config["architecture"]
    streams = [given[s] for s in STREAMS] if STREAMS[0] in given else [given]
    layers = {n: spec for stream in streams for n, spec in stream.items() if spec.get("out_size", 1) > 0}
    heads = sorted(n for n in layers if not n.startswith("conv"))
    _require(heads == ["fc3", "fc4", "fc5", "pc1"], f"layers {', '.join(heads)} are not fc3, fc4, fc5 and pc1")
    _require(layers["fc5"]["out_size"] == 2, f"fc5 has {layers['fc5']['out_size']} outputs; possible: 2")
    return layers


def network_options(config: Dict[str, Any], layers: Layers) -> Dict[str, Any]:
    """Options of architectures.GQCNN."""
    convs = [spec for name, spec in layers.items() if name.startswith("conv")]
    paddings = {str(spec.get("pad", spec.get("padding", "SAME"))) for spec in convs}
    _require(len(paddings) == 1, "its convolutions have different paddings")
    for spec in convs:
        pooling = (spec["pool_size"], spec["pool_stride"])
        _require(pooling[0] == pooling[1], f"pooling of size {pooling[0]} in strides of {pooling[1]} is not supported")
    if any(spec["norm"] for spec in convs):
        constants = {name: config.get(name) for name in NORM}
        _require(constants == NORM, f"local response normalisation by {constants}; possible: {NORM}")
    return {
        "size": config["im_height"],
        "convs": [(s["filt_dim"], s["num_filt"], s["pool_size"], bool(s["norm"])) for s in convs],
        "padding": paddings.pop().lower(),
        "leak": config.get("relu_coeff", 0.0),
        **{name: layers[name]["out_size"] for name in ("fc3", "pc1", "fc4")},
    }


def convert(variables: Dict[str, np.ndarray], layers: Layers, body: GQCNN) -> Dict[str, torch.Tensor]:
    """The checkpoint's variables as torch parameters of `body`.

    TensorFlow keeps filters as (height, width, in, out) and dense weights as (in, out), and flattens an image with its
    channels last; the two inputs of fc4 have weights of their own.
    """
    short = {name.split("/")[-1]: torch.from_numpy(value) for name, value in variables.items()}
    modules = [i for i, m in enumerate(body.image) if isinstance(m, torch.nn.Conv2d)]
    state = {}
    for index, name in zip(modules, (n for n in layers if n.startswith("conv"))):
        state[f"image.{index}.weight"] = _first_of(short, f"{name}_weights", f"{name}W").permute(3, 2, 0, 1)
        state[f"image.{index}.bias"] = _first_of(short, f"{name}_bias", f"{name}b")
    weights = {name: _first_of(short, f"{name}_weights", f"{name}W") for name in ("fc3", "pc1", "fc5")}
    weights["fc3"] = _channels_first(weights["fc3"], body)
    image, pose = (
        _first_of(short, "fc4_input_1_weights", "fc4W_im"),
        _first_of(short, "fc4_input_2_weights", "fc4W_pose"),
    )
    weights["fc4"] = torch.cat([image, pose])
    for name, weight in weights.items():
        state[f"{name}.weight"], state[f"{name}.bias"] = weight.T, _first_of(short, f"{name}_bias", f"{name}b")
    return state


def statistics(folder: Path, columns: Sequence[int]) -> Dict[str, torch.Tensor]:
    """Mean and deviation of images and of what the network is fed of hand poses, which may be columns of the statistics
    of whole hand poses."""
    state = {}
    for buffer, names in STATISTICS.items():
        value = _load_first(folder, names)
        if buffer.startswith("image"):
            _require(value.size == 1, f"{names[0]} of shape {value.shape} is not one number")
            state[buffer] = torch.tensor(float(value.reshape(-1)[0]))
        else:
            flat = value.reshape(-1)
            whole = len(flat) > max(columns)
            _require(whole or len(flat) == len(columns), f"{names[0]} of shape {value.shape} is of another pose")
            state[buffer] = torch.tensor((flat[list(columns)] if whole else flat).tolist())
    return state


def _load_first(folder: Path, names: Tuple[str, ...]) -> np.ndarray:
    paths = [folder / f"{n}.npy" for n in names]
    found = [p for p in paths if p.exists()]
    _require(bool(found), f"{folder} lacks {' or '.join(p.name for p in paths)}")
    try:
        return np.load(found[0], allow_pickle=False)
    except (OSError, ValueError) as e:
        raise ModelError(f"cannot read {found[0]}: {e}") from e


def _channels_first(weight: torch.Tensor, body: GQCNN) -> torch.Tensor:
    """fc3's weights (height * width * channels, out), with the channels slowest instead of fastest."""
    with torch.no_grad():
        _, channels, height, width = body.image(torch.zeros(1, 1, body.size, body.size)).shape
    return weight.reshape(height, width, channels, -1).permute(2, 0, 1, 3).flatten(0, 2)


def _first_of(variables: Dict[str, torch.Tensor], *names: str) -> torch.Tensor:
    """The variable of the first name that exists."""
    for name in names:
        if name in variables:
            return variables[name]
    raise KeyError(f"no variable {' or '.join(names)}")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ModelError(message)
