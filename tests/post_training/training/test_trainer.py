"""A run of one process: what it leaves, how it goes on, what stops it."""

from __future__ import annotations

import resource
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from its_core.engines.cosmos.model.checkpoint import read_network
from its_core.engines.cosmos.model.lora import load_network
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.shapes import SHAPES
from its_core.errors import FactoryError
from its_core.post_training.data import training_set
from its_core.post_training.metrics import progress_of, read_lines
from its_core.post_training.model.learner import Learner
from its_core.post_training.run_folder import RunFolder
from its_core.post_training.tensor_files import write_safetensors
from its_core.post_training.training.checkpoints import Checkpoints
from its_core.post_training.training.guards import GuardFailed
from its_core.post_training.training.trainer import Trainer
from tests.post_training.small_run import make_run


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("checkpoints")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, checkpoints: Path) -> RunFolder:
    """A run that went through undisturbed; not to be changed."""
    run = make_run(tmp_path_factory.mktemp("finished"), checkpoints, sample_every=3, sample_clips=1)
    Trainer(run).train()
    return run


def latest(run: RunFolder) -> Path:
    return Checkpoints(run, run.read_orders()).lora_path(run.read_orders().recipe.iterations)


def stopped(run: RunFolder) -> FactoryError:
    with pytest.raises(FactoryError) as caught:
        Trainer(run).train()
    return caught.value


def test_what_a_run_leaves(finished: RunFolder) -> None:
    names = sorted(path.relative_to(finished.checkpoints).as_posix() for path in finished.checkpoints.rglob("*.*"))
    kept = {"model": (4, 6), "state": (4, 6), "lora": (2, 4, 6)}
    for folder, iterations in kept.items():
        suffix = "pt" if folder == "model" else "safetensors"
        found = [name for name in names if name.startswith(f"{folder}/") and "_ema" not in name]
        assert found == [f"{folder}/iter_{done:09d}.{suffix}" for done in iterations]
    assert (finished.checkpoints / "latest_checkpoint.txt").read_text() == "iter_000000006.pt\n"
    lines = read_lines(finished.metrics)
    assert [line["iteration"] for line in lines if "loss" in line] == [1, 2, 3, 4, 5, 6]
    assert [line["iteration"] for line in lines if "validation" in line] == [0, 3, 6]
    assert [line["iteration"] for line in lines if "validation_average" in line] == [6]
    result = finished.read_result()
    assert result is not None
    assert result["start"]["base"] == result["start"]["fresh_lora"]
    assert result["end"]["base"] != result["end"]["trained_lora"]
    assert any(finished.tensorboard.iterdir())
    now = progress_of(finished)
    assert (now.iterations, now.of, now.ended, len(now.by_sigma)) == (6, 6, True, 5)


def test_training_learns(finished: RunFolder) -> None:
    now = progress_of(finished)
    assert now.validation is not None
    assert now.base is not None
    assert now.validation < now.base


def test_sample_clips_are_rendered_beside_the_time_before(finished: RunFolder) -> None:
    from its_core import video

    folder = finished.samples
    assert sorted(path.name for path in folder.iterdir()) == ["iter_000000000", "iter_000000003", "iter_000000006"]
    assert not (folder / "iter_000000000" / "0_beside.mp4").exists()
    for time in ("iter_000000003", "iter_000000006"):
        frame = next(iter(video.read_frames(folder / time / "0.mp4")))
        beside = next(iter(video.read_frames(folder / time / "0_beside.mp4")))
        assert beside.shape[1] == 2 * frame.shape[1]


@pytest.mark.parametrize("form", ["NVIDIA's", "the LoRA alone", "PEFT's", "the average"])
def test_the_engine_loads_every_form_of_a_checkpoint(finished: RunFolder, checkpoints: Path, form: str) -> None:
    made = Checkpoints(finished, finished.read_orders())
    paths = {
        "NVIDIA's": made.model_path(6),
        "the LoRA alone": made.lora_path(6),
        "PEFT's": made.peft_path(6),
        "the average": made.peft_path(6, average=True),
    }
    options = CosmosOptions(
        model_size="tiny",
        resolution="480",
        fps=10,
        use_lora=True,
        lora_rank=4,
        lora_alpha=4,
        dit_path=str(paths[form]),
        checkpoints_dir=str(checkpoints),
    )
    load_network(options, SHAPES["tiny"], torch.device("cpu"), torch.float32)
    read = read_network(paths[form])
    assert len(read.lora) == 20
    if form in {"NVIDIA's", "PEFT's", "the average"}:
        assert (read.adapter.rank, read.adapter.alpha) == (4, 4)


def test_nvidias_form_has_nvidias_names(finished: RunFolder) -> None:
    entries = torch.load(Checkpoints(finished, finished.read_orders()).model_path(6), weights_only=True)
    assert all(key.startswith("net.") for key in entries)
    layer = "net.blocks.1.cross_attn.output_proj"
    assert {key for key in entries if key.startswith(layer)} == {
        f"{layer}.base_layer.weight",
        f"{layer}.lora_A.default.weight",
        f"{layer}.lora_B.default.weight",
    }


def interrupt(run: RunFolder, after: int) -> None:
    """Trains until so many iterations are done, and is interrupted in the next one."""
    learn, done = Learner.learn, iter(range(after * run.read_orders().recipe.clips_a_step))

    def interrupted(self: Learner, *arguments: Any) -> float:
        if next(done, None) is None:
            raise KeyboardInterrupt
        return learn(self, *arguments)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Learner, "learn", interrupted)
        Trainer(run).train()


@pytest.mark.parametrize("after", [2, 3, 5])
def test_a_run_that_is_taken_up_again_ends_in_the_same_bytes(
    finished: RunFolder, checkpoints: Path, tmp_path: Path, after: int
) -> None:
    run = make_run(tmp_path, checkpoints)
    interrupt(run, after)
    Trainer(run).train()
    assert latest(run).read_bytes() == latest(finished).read_bytes()
    losses = [[line["loss"] for line in read_lines(each.metrics) if "loss" in line] for each in (run, finished)]
    assert losses[0] == losses[1]


def test_a_full_disk_ends_the_run_and_the_last_checkpoint_stands(
    finished: RunFolder, checkpoints: Path, tmp_path: Path
) -> None:
    run = make_run(tmp_path, checkpoints)
    interrupt(run, 3)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        assert stopped(run).code == "storage.disk_full"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert Checkpoints(run, run.read_orders()).latest() == 2
    Trainer(run).train()
    assert latest(run).read_bytes() == latest(finished).read_bytes()


def test_another_recipe_cannot_take_up_a_state(finished: RunFolder, checkpoints: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path, checkpoints, lora_rank=8, lora_alpha=8)
    shutil.copytree(finished.checkpoints, run.checkpoints)
    error = stopped(run)
    assert error.code == "post_training.other_run"
    assert "lora_rank is 4 there and 8 here" in str(error)


def test_another_base_cannot_take_up_a_state(finished: RunFolder, checkpoints: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path, checkpoints, base_sha256="f" * 64)
    shutil.copytree(finished.checkpoints, run.checkpoints)
    error = stopped(run)
    assert error.code == "post_training.other_run"
    assert "base_sha256" in str(error)


def test_a_base_that_is_not_the_ordered_one_makes_no_checkpoint(checkpoints: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path, checkpoints, base_sha256="f" * 64)
    assert stopped(run).code == "post_training.base"
    assert not run.checkpoints.exists() or not list(run.checkpoints.rglob("*.pt"))


def test_a_lora_is_no_base(finished: RunFolder, checkpoints: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path, checkpoints, base_path=Checkpoints(finished, finished.read_orders()).model_path(6))
    assert stopped(run).code == "post_training.base"


def test_a_loss_that_is_no_number_stops_the_run_and_names_the_clip(checkpoints: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path, checkpoints, clips=5)
    clip = training_set.read(run.path / training_set.FILE_NAME).clips[3]
    broken = {name: torch.full_like(tensor, float("nan")) for name, tensor in load_file(clip.latents).items()}
    write_safetensors(clip.latents, broken)
    error = stopped(run)
    assert error.code == "post_training.not_finite"
    assert clip.name in str(error)


def test_a_lora_that_does_not_start_at_nothing_is_refused(checkpoints: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path, checkpoints)
    trainer = Trainer(run)
    for name, weight in trainer._loaded.learner.network.named_parameters():
        if ".lora_B." in name:
            torch.nn.init.ones_(weight)
    with pytest.raises(GuardFailed) as caught:
        trainer.train()
    assert caught.value.code == "post_training.guard.start"


def test_a_lora_that_learnt_nothing_is_refused(
    checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(make_run(tmp_path, checkpoints, validate_every=0))
    optimiser = trainer._loaded.learner.optimiser
    step = optimiser.step

    def still(iteration: int) -> Any:
        optimiser.gradients.zero_()
        return step(iteration)

    monkeypatch.setattr(optimiser, "step", still)
    with pytest.raises(GuardFailed) as caught:
        trainer.train()
    assert caught.value.code == "post_training.guard.end"


def test_clips_that_the_processes_cannot_share_evenly(checkpoints: Path, tmp_path: Path) -> None:
    from its_core.post_training.model.groups import TrainingGroup
    from its_core.post_training.training.samples import SampleReader, SampleStream

    run = make_run(tmp_path, checkpoints)
    with pytest.raises(FactoryError) as caught:
        SampleStream([], None, run.read_orders().recipe, TrainingGroup(0, 3), SampleReader(), 16)  # type: ignore[arg-type]
    assert caught.value.code == "post_training.processes"


def test_a_changed_training_set_is_refused(checkpoints: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path, checkpoints, training_set_sha256="0" * 64)
    assert stopped(run).code == "post_training.data"


def test_a_mixture_without_clips_of_a_kind_is_refused(checkpoints: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path, checkpoints, clips=2)
    assert stopped(run).code == "post_training.nothing_to_train_on"


def test_latents_that_are_gone_are_named(checkpoints: Path, tmp_path: Path) -> None:
    run = make_run(tmp_path, checkpoints)
    shutil.rmtree(tmp_path / "latents")
    assert stopped(run).code == "post_training.artefact"
