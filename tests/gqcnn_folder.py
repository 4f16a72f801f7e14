"""gqcnn model folders as the gqcnn package writes them, and what TensorFlow answers for them.

`python gqcnn_folder.py LAYOUT FOLDER` needs TensorFlow (2.x, through its version-1 interface). It writes a folder with
random weights, and inputs.npz with inputs and the softmax's answers to them; it wrote those in tests/data.
"""

import json
import sys
from pathlib import Path

import numpy as np

CONV = {"pool_size": 1, "pool_stride": 1, "norm": 0, "norm_type": "local_response"}
POOL = {**CONV, "pool_size": 2, "pool_stride": 2}
DEXNET2 = {
    "conv1_1": {**CONV, "filt_dim": 7, "num_filt": 6},
    "conv1_2": {**POOL, "filt_dim": 5, "num_filt": 6, "norm": 1},
    "conv2_1": {**CONV, "filt_dim": 3, "num_filt": 6},
    "conv2_2": {**POOL, "filt_dim": 3, "num_filt": 6, "norm": 1},
    "fc3": {"out_size": 12},
    "pc1": {"out_size": 16},
    "pc2": {"out_size": 0},
    "fc4": {"out_size": 12},
    "fc5": {"out_size": 2},
}
DEXNET4 = {
    "im_stream": {
        "conv1_1": {**CONV, "type": "conv", "pad": "VALID", "filt_dim": 9, "num_filt": 4},
        "conv1_2": {**POOL, "type": "conv", "pad": "VALID", "filt_dim": 5, "num_filt": 4},
        "conv2_1": {**CONV, "type": "conv", "pad": "VALID", "filt_dim": 5, "num_filt": 4},
        "conv2_2": {**POOL, "type": "conv", "pad": "VALID", "filt_dim": 5, "num_filt": 4},
        "fc3": {"type": "fc", "out_size": 12},
    },
    "pose_stream": {"pc1": {"type": "pc", "out_size": 16}, "pc2": {"type": "pc", "out_size": 0}},
    "merge_stream": {"fc4": {"type": "fc_merge", "out_size": 12}, "fc5": {"type": "fc", "out_size": 2}},
}
NORM = {"radius": 2, "alpha": 2e-5, "beta": 0.75, "bias": 1.0}


def config(layout):
    """config.json of a 2.0 (flat, old names) or 4.0 (streams) model."""
    if layout == "2.0":
        inner = {"im_height": 32, "im_width": 32, "im_channels": 1, "input_data_mode": "tf_image"}
        return {"training_mode": "classification", "gqcnn_config": {**inner, "architecture": DEXNET2, **NORM}}
    inner = {"im_height": 41, "im_width": 41, "im_channels": 1, "gripper_mode": "parallel_jaw", "relu_coeff": 0.1}
    inner.update(angular_bins=0, input_depth_mode="pose_stream", architecture=DEXNET4, **NORM)
    return {"training_mode": "classification", "gqcnn": inner}


def layers_of(architecture):
    streams = architecture.values() if "im_stream" in architecture else [architecture]
    return {n: s for stream in streams for n, s in stream.items() if s.get("out_size", 1)}


def variables(layout, seed=0):
    """Random weights by their full names in the checkpoint."""
    rng = np.random.default_rng(seed)
    inner = config(layout).get("gqcnn") or config(layout)["gqcnn_config"]
    layers, out, side, channels = layers_of(inner["architecture"]), {}, inner["im_height"], 1
    old = layout == "2.0"

    def put(stream, layer, kind, shape):
        name = f"{layer}{kind[0]}" if old else f"{stream}/{layer}/{layer}_{kind[1]}"
        scale = {"conv1_1": 200.0, "fc3": 0.01}.get(layer, 1.5)  # so that normalisation matters and answers vary
        out[name] = (scale * rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))).astype(np.float32)

    weight, bias = ("W", "weights"), ("b", "bias")
    for name, s in layers.items():
        if name.startswith("conv"):
            put("im_stream", name, weight, (s["filt_dim"], s["filt_dim"], channels, s["num_filt"]))
            put("im_stream", name, bias, (s["num_filt"],))
            side = side if s.get("pad", "SAME") == "SAME" else side - s["filt_dim"] + 1
            side, channels = -(-side // s["pool_stride"]), s["num_filt"]
    sizes = {n: layers[n]["out_size"] for n in ("fc3", "pc1", "fc4", "fc5")}
    put("im_stream", "fc3", weight, (side * side * channels, sizes["fc3"]))
    put("pose_stream", "pc1", weight, (1, sizes["pc1"]))
    put("merge_stream", "fc4", ("W_im", "input_1_weights"), (sizes["fc3"], sizes["fc4"]))
    put("merge_stream", "fc4", ("W_pose", "input_2_weights"), (sizes["pc1"], sizes["fc4"]))
    put("merge_stream", "fc5", weight, (sizes["fc4"], 2))
    for stream, name in zip(["im_stream", "pose_stream", "merge_stream", "merge_stream"], sizes):
        put(stream, name, bias, (sizes[name],))
    return out


def write_statistics(folder, layout):
    """config.json and the inputs' means and deviations; a 2.0 model keeps those of whole hand poses."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    (Path(folder) / "config.json").write_text(json.dumps(config(layout)))
    old = layout == "2.0"
    pose_mean = np.array([0, 0, 0.66, 0, 0, 0, 0]) if old else np.array([0.66])
    pose_std = np.array([1, 1, 0.03, 1, 1, 1, 1]) if old else np.array([0.03])
    for name, value in (("mean", 0.65), ("std", 0.02)):
        np.save(Path(folder) / (f"{name}.npy" if old else f"im_{name}.npy"), np.array(value))
    np.save(Path(folder) / "pose_mean.npy", pose_mean)
    np.save(Path(folder) / "pose_std.npy", pose_std)


def answer(tf, v, layout, images, depths):
    """gqcnn's graph, written out: convolution, leaky ReLU, normalisation, pooling; two streams; softmax."""
    inner = config(layout).get("gqcnn") or config(layout)["gqcnn_config"]
    layers, leak, old = layers_of(inner["architecture"]), inner.get("relu_coeff", 0.0), layout == "2.0"
    short = {name.split("/")[-1]: value for name, value in v.items()}
    get = lambda layer, kind, old_kind: short[f"{layer}{old_kind}" if old else f"{layer}_{kind}"]  # noqa: E731
    relu = lambda x: tf.maximum(leak * x, x)  # noqa: E731
    x = (images - 0.65) / 0.02
    for name, s in layers.items():
        if name.startswith("conv"):
            x = tf.nn.conv2d(x, get(name, "weights", "W"), strides=[1, 1, 1, 1], padding=s.get("pad", "SAME"))
            x = relu(x + get(name, "bias", "b"))
            if s["norm"]:
                x = tf.nn.local_response_normalization(x, depth_radius=2, alpha=2e-5, beta=0.75, bias=1.0)
            size, stride = s["pool_size"], s["pool_stride"]
            x = tf.nn.max_pool2d(x, ksize=[1, size, size, 1], strides=[1, stride, stride, 1], padding="SAME")
    x = tf.reshape(x, [len(images), -1])
    x = relu(tf.matmul(x, get("fc3", "weights", "W")) + get("fc3", "bias", "b"))
    p = relu(tf.matmul((depths - 0.66) / 0.03, get("pc1", "weights", "W")) + get("pc1", "bias", "b"))
    merged = tf.matmul(x, get("fc4", "input_1_weights", "W_im")) + tf.matmul(p, get("fc4", "input_2_weights", "W_pose"))
    x = relu(merged + get("fc4", "bias", "b"))
    return tf.nn.softmax(tf.matmul(x, get("fc5", "weights", "W")) + get("fc5", "bias", "b"))


def main(layout, folder):
    import tensorflow as tf

    tf.compat.v1.disable_eager_execution()
    write_statistics(folder, layout)
    rng = np.random.default_rng(1)
    side = 32 if layout == "2.0" else 41
    images = rng.normal(0.65, 0.02, (4, side, side, 1)).astype(np.float32)
    depths = rng.normal(0.66, 0.03, (4, 1)).astype(np.float32)
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        v = {n: tf.compat.v1.Variable(value, name=n) for n, value in variables(layout).items()}
        tf.compat.v1.Variable(np.int64(3), name="global_step")
        answers = answer(tf, v, layout, images, depths)
        session.run(tf.compat.v1.global_variables_initializer())
        tf.compat.v1.train.Saver().save(session, str(Path(folder) / "model.ckpt"))
        np.savez(Path(folder) / "inputs.npz", images=images, depths=depths, answers=session.run(answers))


if __name__ == "__main__":
    main(*sys.argv[1:])
