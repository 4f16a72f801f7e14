"""A real Ray cluster of several nodes: a killed worker and a lost node change nothing."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from antipodal.errors import InputError
from antipodal.synth import generate as command
from antipodal.synth.generate import generate
from antipodal.synth.objects.meshes import MeshOptions
from antipodal.synth.shards import shard_folders
from tests.synth_runs import digest, run

pytestmark = pytest.mark.slow
ray = pytest.importorskip("ray")


def busy_worker():
    """Process id of a Ray worker that is making a shard, of those that this test started."""
    import psutil

    for process in psutil.Process().children(recursive=True):
        try:
            if any("ray::make_shard" in word for word in process.cmdline()):
                return process.pid
        except psutil.Error:  # it ended meanwhile
            continue
    return None


def test_a_killed_worker_and_a_lost_node_change_nothing(tmp_path, monkeypatch):
    from ray.cluster_utils import Cluster

    source = str(Path(command.__file__).parents[2])  # nodes need the package
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([source, os.environ.get("PYTHONPATH", "")]))
    asked = run(samples=72 * 40)
    generate(tmp_path / "alone", asked, MeshOptions(), workers=1)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    lost = cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    harmed = []

    def harm():
        deadline, worker = time.time() + 100, None
        while time.time() < deadline and (worker is None or len(shard_folders(tmp_path / "cluster")) < 3):
            worker = busy_worker()
        if worker:
            os.kill(worker, signal.SIGKILL)
        cluster.remove_node(lost)
        harmed.append(worker)

    thread = threading.Thread(target=harm, daemon=True)
    try:
        thread.start()
        generate(tmp_path / "cluster", asked, MeshOptions(), workers=1, ray=cluster.address)
        thread.join(60)
        assert harmed and harmed[0] is not None
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert digest(tmp_path / "cluster") == digest(tmp_path / "alone")


def test_no_cluster_is_said_in_words(tmp_path):
    with pytest.raises(InputError, match="no Ray cluster at"):
        generate(tmp_path / "out", run(), MeshOptions(), workers=1, ray="auto")
