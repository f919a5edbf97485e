"""The detector learns drawn accidents, goes on where it was interrupted, and refuses what it cannot learn from."""

from pathlib import Path

import pytest
import torch

from its_core.evaluation.detector import experiments, features, training, views
from its_core.evaluation.detector.training import Settings, TrainingError
from its_core.evaluation.ground_truth import GroundTruth
from tests.evaluation import drawn, made_up


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("drawn")


@pytest.fixture(scope="module")
def truth(folder: Path) -> GroundTruth:
    return drawn.clips(folder / "clips", cameras=5, split_test=1)


def weights(network: torch.nn.Module) -> list[list[float]]:
    return [each.flatten().tolist() for each in network.state_dict().values()]


@pytest.mark.slow
def test_it_learns_when_and_where_blocks_meet(truth: GroundTruth, folder: Path) -> None:
    (experiment,) = experiments.plan(truth)
    assert {clip.camera_id for clip in experiment.test.clips} == {"cam-4"}
    result = experiments.run(
        experiment, Settings(epochs=4, batch_size=3, device="cpu"), folder / "run", folder / "cache"
    )
    scores = result.report.overall.scores
    assert scores["when"].value > 0.8
    assert scores["where"].value > 0.5
    assert (result.train_clips, result.train_accidents) == (16, 8)
    assert (folder / "run" / experiments.PREDICTIONS_FILE).exists()


def test_an_interrupted_training_ends_like_an_undisturbed_one(truth: GroundTruth, folder: Path, tmp_path: Path) -> None:
    clips = truth.of_split("train").clips[:3]
    frames = features.load_all(clips, folder / "cache")
    settings = Settings(epochs=2, device="cpu", batch_size=3)
    whole = training.train(clips, frames, settings, tmp_path / "whole.pt")

    class Interrupted(Exception):
        pass

    epochs: list[int] = []

    def interrupt(*done: float) -> None:
        epochs.append(int(done[0]))
        raise Interrupted

    for _ in range(2):  # between two epochs, and before the classifier of peaks is fitted
        with pytest.raises(Interrupted):
            training.train(clips, frames, settings, tmp_path / "cut.pt", interrupt)
    assert not training.load(tmp_path / "cut.pt").peaks.fitted
    resumed = training.train(clips, frames, settings, tmp_path / "cut.pt", interrupt)
    assert epochs == [1, 2]
    assert bool(resumed.peaks.fitted)
    assert weights(resumed) == weights(whole)
    assert weights(training.load(tmp_path / "cut.pt")) == weights(whole)


def test_a_checkpoint_of_something_else_is_refused(truth: GroundTruth, folder: Path, tmp_path: Path) -> None:
    clips = truth.of_split("train").clips[:2]
    frames = features.load_all(clips, folder / "cache")
    training.train(clips, frames, Settings(epochs=1, device="cpu"), tmp_path / "one.pt")
    with pytest.raises(TrainingError) as refused:
        training.train(clips, frames, Settings(epochs=1, device="cpu", seed=1), tmp_path / "one.pt")
    assert refused.value.code == "training.checkpoint"
    (tmp_path / "none.pt").write_bytes(b"no checkpoint")
    with pytest.raises(TrainingError):
        training.load(tmp_path / "none.pt")


def test_a_thorough_training_ends_with_nearly_whole_clips() -> None:
    assert {Settings().crops_at(epoch, 10) for epoch in range(10)} == {(views.SHORT, 8)}
    thorough = [Settings(thorough=True).crops_at(epoch, 10) for epoch in range(10)]
    assert thorough == [(views.LONGER, 8)] * 7 + [(views.WIDE, 3)] * 3
    clips = [made_up.calm(f"clip-{number}") for number in range(40)]
    assert (Settings().epochs_over(clips), Settings(thorough=True).epochs_over(clips)) == (220, 440)


def test_one_kind_of_clip_teaches_nothing(tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as refused:
        training.train([made_up.clip("a")], {}, Settings(), tmp_path / "checkpoint.pt")
    assert refused.value.code == "training.one_class"


def test_decoded_frames_are_kept(truth: GroundTruth, tmp_path: Path) -> None:
    first = features.load(truth.clips[0], tmp_path)
    changed = {kept: kept.stat().st_mtime_ns for kept in tmp_path.iterdir()}
    again = features.load(truth.clips[0], tmp_path)
    assert {kept: kept.stat().st_mtime_ns for kept in tmp_path.iterdir()} == changed
    assert (first.frames == again.frames).all()
    assert (first.flow == again.flow).all()
    assert first.background.shape == features.SIZE_PX
    assert first.flow.shape == (24, 2, features.SIZE_PX[0] // 2, features.SIZE_PX[1] // 2)
    assert first.frames.shape == (24, *features.SIZE_PX)
    assert first.times_s[-1] == pytest.approx(23 / 8)
