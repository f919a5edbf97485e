"""Runs of several processes under torchrun: they come to what one process comes to, and survive kills."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from safetensors.torch import load_file

from its_core.post_training import torchrun
from its_core.post_training.errors import ProgramFailed, ProgramRefused
from its_core.post_training.metrics import read_lines
from its_core.post_training.model.learner import Learner
from its_core.post_training.run_folder import RunFolder
from its_core.post_training.runs import TRAIN_MODULE
from its_core.post_training.torchrun import Program
from its_core.post_training.training.checkpoints import Checkpoints
from its_core.post_training.training.trainer import Trainer
from its_core.shards.receipts import LAUNCH
from tests.post_training.small_run import make_run

pytestmark = pytest.mark.system


def train(
    run: RunFolder,
    processes: int,
    watch: Callable[[], None] = lambda: None,
    cancelled: threading.Event | None = None,
) -> None:
    """Trains to the end under torchrun."""
    pointer = run.checkpoints / "latest_checkpoint.txt"
    program = Program(
        TRAIN_MODULE,
        ("--run_folder", str(run.path)),
        processes,
        run.logs,
        lambda: pointer.read_text() if pointer.exists() else None,
        watch,
    )
    torchrun.run(program, cancelled or threading.Event())


def lora_path(run: RunFolder) -> Path:
    orders = run.read_orders()
    return Checkpoints(run, orders).lora_path(orders.recipe.iterations)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory, checkpoints: Path) -> RunFolder:
    """A run of one process, undisturbed."""
    run = make_run(tmp_path_factory.mktemp("alone"), checkpoints)
    Trainer(run).train()
    return run


CONFIGURATIONS: dict[str, tuple[int, dict[str, object]]] = {
    "data parallel 2": (2, {}),
    "context parallel 2": (2, {"context_parallel": 2}),
    "context parallel 4": (4, {"context_parallel": 4}),
    "data parallel 2 of context parallel 2": (4, {"context_parallel": 2}),
    "the network spread over 2": (2, {"shard_network": True}),
    "activations on the host": (2, {"activations": "offload"}),
}


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, checkpoints: Path) -> dict[str, RunFolder]:
    """The same run by each configuration; those of as many processes one after another in one launch."""
    folder = tmp_path_factory.mktemp("together")
    runs = {
        name: make_run(folder / str(number), checkpoints, **changes)
        for number, (name, (_, changes)) in enumerate(CONFIGURATIONS.items())
    }
    for processes in (2, 4):
        chosen = [str(runs[name].path) for name, (count, _) in CONFIGURATIONS.items() if count == processes]
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
        command += [str(Path(__file__).parent / "several_runs.py"), *chosen]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return runs


@pytest.mark.parametrize("configuration", CONFIGURATIONS)
def test_several_processes_come_to_what_one_comes_to(
    alone: RunFolder, together: dict[str, RunFolder], configuration: str
) -> None:
    run = together[configuration]
    several, single = load_file(lora_path(run)), load_file(lora_path(alone))
    assert several.keys() == single.keys()
    for name, weight in single.items():
        assert torch.allclose(several[name], weight, rtol=1e-3, atol=2e-5), name
    for what in ("loss", "validation"):
        found = [[line[what] for line in read_lines(each.metrics) if what in line] for each in (run, alone)]
        ours, theirs = ([each["loss"] if isinstance(each, dict) else each for each in side] for side in found)
        assert ours == pytest.approx(theirs, rel=1e-5)


def test_a_network_that_is_spread_is_held_in_parts(alone: RunFolder, together: dict[str, RunFolder]) -> None:
    whole, half = (
        (run.read_result() or {})["frozen_numbers_held"] for run in (alone, together["the network spread over 2"])
    )
    assert 0.5 * whole <= half < 0.6 * whole  # the embedders stay gathered


def processes_of(run: RunFolder, ranks: bool) -> list[psutil.Process]:
    """torchrun, or the ranks, of the launch that trains the run."""
    found = []
    for process in psutil.process_iter():
        try:
            if LAUNCH in process.environ() and str(run.path) in process.cmdline():
                is_rank = "LOCAL_RANK" in process.environ()
                if is_rank == ranks and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        except psutil.Error:
            continue
    return found


def endless(folder: Path, checkpoints: Path) -> RunFolder:
    """A run that does not end before it is killed, however fast the machine is."""
    return make_run(folder, checkpoints, iterations=1_000_000, validate_every=0, save_every=2)


def lora_of_undisturbed(run: RunFolder, iterations: int) -> bytes:
    """The LoRA of a run that is let alone until so many iterations are done."""
    learn, clips = Learner.learn, iter(range(iterations * run.read_orders().recipe.clips_a_step))

    def so_many(self: Learner, *arguments: Any) -> float:
        if next(clips, None) is None:
            raise KeyboardInterrupt
        return learn(self, *arguments)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Learner, "learn", so_many)
        Trainer(run).train()
    return Checkpoints(run, run.read_orders()).lora_path(iterations).read_bytes()


def test_a_run_whose_processes_are_killed_goes_on_to_the_same_bytes(checkpoints: Path, tmp_path: Path) -> None:
    """First a rank is killed, then torchrun; each launch trains for at least one checkpoint."""
    run = endless(tmp_path / "killed", checkpoints)
    made = Checkpoints(run, run.read_orders())
    to_kill, reached, cancelled = ["rank", "torchrun"], 0, threading.Event()

    def disturb() -> None:
        nonlocal reached
        if (made.latest() or 0) <= reached:
            return
        reached = made.latest() or 0
        if not to_kill:
            cancelled.set()
            return
        found = processes_of(run, ranks=to_kill.pop(0) == "rank")
        assert found
        for process in found:
            process.kill()

    with pytest.raises(InterruptedError):
        train(run, 1, disturb, cancelled)
    assert len(list(run.logs.iterdir())) == 3
    assert processes_of(run, ranks=True) == []
    undisturbed = lora_of_undisturbed(endless(tmp_path / "undisturbed", checkpoints), reached)
    assert made.lora_path(reached).read_bytes() == undisturbed


def test_a_refusal_comes_with_its_code_and_without_a_second_try(checkpoints: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path, checkpoints, base_sha256="f" * 64)
    with pytest.raises(ProgramRefused) as caught:
        train(run, 1)
    assert caught.value.code == "post_training.base"
    assert len(list(run.logs.iterdir())) == 1


def test_a_program_that_always_dies_is_given_up(tmp_path: Path) -> None:
    program = Program("tests.post_training.training.dies_at_once", (), 1, tmp_path / "logs", lambda: None)
    with pytest.raises(ProgramFailed) as caught:
        torchrun.run(program, threading.Event())
    assert "SIGKILL" in str(caught.value)
    assert len(list(program.logs.iterdir())) == torchrun.FRUITLESS_LAUNCHES
