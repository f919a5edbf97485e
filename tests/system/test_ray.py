"""Shards over a Ray cluster of two real nodes on this machine, each with a GPU that is not there."""

import contextlib
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from its_tasks.post_train.machines import machine
from PIL import Image
from ray._private.node import Node
from ray.cluster_utils import Cluster

from its_core.clip import Geometry
from its_core.engines.cosmos.model.tiny import make_tiny_checkpoint
from its_core.post_training import runs
from its_core.post_training import settings as post_training
from its_core.post_training.errors import ProgramRefused
from tests.post_training.small_run import make_run
from tests.shards.troubled_worker import mosaic
from tests.system.conftest import TROUBLED_WORKER, Dataset, wait_until

NODES = 2


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """A head that runs nothing, and two machines with a processor and a GPU each."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "num_gpus": 0, "include_dashboard": False})
    for _ in range(NODES):
        made.add_node(num_cpus=1, num_gpus=1)
    yield made
    made.shutdown()


def ranks(cluster: Cluster) -> list[tuple[Node, psutil.Process]]:
    """The ranks that run, and the machine of each."""
    found = []
    for node in cluster.worker_nodes:
        for process in psutil.Process(node.all_processes["raylet"][0].process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if "LOCAL_RANK" in process.environ() and process.status() != psutil.STATUS_ZOMBIE:
                    found.append((node, process))
    return found


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoints")
    make_tiny_checkpoint(folder)
    return folder


def define(dataset: Dataset, checkpoints: Path, prompts: list[str], **keys: object) -> None:
    """Clips of the cosmos engine, so that GPUs are asked for; a script stands in that does what the prompts say. Each
    clip's input is the very frame that the script will begin with."""
    options = {"model_size": "tiny", "checkpoints_dir": str(checkpoints)}
    options |= {"disable_guardrail": True, "disable_prompt_refiner": True}
    engine = {"name": "cosmos", "options": options, "script": str(TROUBLED_WORKER)}
    dataset.define(engine=engine, shard_size=1, **keys)
    inputs = [f"{seed}.png" for seed in range(len(prompts))]
    for seed, name in enumerate(inputs):
        Image.fromarray(next(mosaic(seed, Geometry.of("480", 10)))).save(dataset.folder / name)
    dataset.ask(prompts, seed=range(len(prompts)), input_image=inputs)


def test_an_interrupted_build_leaves_no_rank_on_any_machine(dataset: Dataset, cluster: Cluster, checkpoints: Path):
    define(dataset, checkpoints, ["hang"] * 3)
    build = dataset.start("build", str(dataset.folder), "--ray-address", cluster.address)
    wait_until(lambda: len(ranks(cluster)) == NODES)
    build.send_signal(signal.SIGINT)
    output, _ = build.communicate(timeout=60)
    assert build.returncode == 130, output
    wait_until(lambda: not ranks(cluster))


def test_a_cluster_without_room_is_waited_for(dataset: Dataset, cluster: Cluster, checkpoints: Path):
    define(dataset, checkpoints, ["any"], processes_per_shard=2)
    build = dataset.start("build", str(dataset.folder), "--ray-address", cluster.address)
    assert build.stdout is not None
    wait_until(lambda: "waiting for a machine with 2 CPUs and 2 GPUs" in build.stdout.readline())
    larger = cluster.add_node(num_cpus=2, num_gpus=2)
    output, _ = build.communicate(timeout=120)
    cluster.remove_node(larger)
    assert build.returncode == 0, output


def test_a_cluster_without_room_is_not_waited_for_for_ever(dataset: Dataset, cluster: Cluster, checkpoints: Path):
    define(dataset, checkpoints, ["any"], processes_per_shard=2)
    impatient = "from its_tasks.executors.ray_cluster import executor; executor.CAPACITY_WAIT_S = 0.0; "
    impatient += "from its_flows.cli.main import app; app()"
    command = [sys.executable, "-c", impatient, *dataset.command("build", str(dataset.folder))[3:]]
    done = subprocess.run(
        [*command, "--ray-address", cluster.address],
        env=dataset.environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "the Ray cluster had no machine with 2 CPUs and 2 GPUs for 0 minutes" in done.stderr


def test_a_machine_lost_in_the_middle_costs_nothing(dataset: Dataset, cluster: Cluster, checkpoints: Path):
    define(dataset, checkpoints, ["slow 3"] * 3)
    build = dataset.start("build", str(dataset.folder), "--ray-address", cluster.address)
    wait_until(lambda: dataset.receipts())
    made = dataset.clips()
    machine, rank = wait_until(lambda: next(iter(ranks(cluster)), None))
    assert rank.environ()["CUDA_VISIBLE_DEVICES"] == "0"
    cluster.remove_node(machine, allow_graceful=False)
    output, _ = build.communicate(timeout=240)
    assert build.returncode == 0, output
    assert "3 rows: 3 generated" in output
    assert made.items() <= dataset.clips().items()  # what was there was not made again
    assert len(list(dataset.latest.glob("*/*/*.mp4"))) == 3


def test_a_post_training_runs_on_a_machine_of_the_cluster(cluster: Cluster, tmp_path: Path):
    """To its end; and a program's refusal comes back with its code."""
    run = make_run(tmp_path / "good", tmp_path / "checkpoints", iterations=2)
    refused = make_run(tmp_path / "refused", tmp_path / "checkpoints", base_sha256="f" * 64)
    (tmp_path / "post_train.yaml").write_text("name: small\nparts: [{dataset: quickstart}]\nmodel_size: tiny\n")
    settings = post_training.load(tmp_path, {"executor": "ray", "ray_address": cluster.address})
    with machine(settings) as where:
        runs.train(run, where.processes, where.launch, lambda: None)
        with pytest.raises(ProgramRefused) as caught:
            runs.train(refused, where.processes, where.launch, lambda: None)
    assert (run.read_result() or {})["iterations"] == 2
    assert caught.value.code == "post_training.base"
