"""Train on some clips, test on others: for one version, for two, and for real clips with and without ours."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from its_core.evaluation.detector import answers, features, training
from its_core.evaluation.detector.training import Settings, TrainingError
from its_core.evaluation.ground_truth import GroundTruth, TrueClip
from its_core.evaluation.scoring import predictions
from its_core.evaluation.scoring.score import Report, score

CHECKPOINT_FILE = "checkpoint.pt"
PREDICTIONS_FILE = "predictions.csv"
_TEST_SHARE = 0.3


@dataclass(frozen=True, slots=True)
class Experiment:
    """``name`` says what is trained on: the same name, clips and settings go on from the same checkpoint."""

    name: str
    train: tuple[TrueClip, ...]
    test: GroundTruth


@dataclass(frozen=True, slots=True)
class Result:
    """``seconds`` took decoding, training and testing in this process."""

    name: str
    train_clips: int
    train_accidents: int
    device: str
    seconds: float
    settings: Settings
    report: Report

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def plan(ours: GroundTruth, other: GroundTruth | None = None, test: GroundTruth | None = None) -> list[Experiment]:
    """What there is to train.

    Alone, a version is trained on its train and val splits and tested on its test split. With ``other``, a version or
    real clips, three detectors are trained, on ours, on the other and on both, and tested on the other's test split.
    ``test`` replaces what is tested on: its test split where it has one, else all its clips.

    Clips without a split are divided by camera. What shares a clip, camera or pair with the test is not trained on.
    """
    tested = _tested(test or other or ours, whole=test is not None)
    if other is None:
        return [Experiment("ours", _learnt(ours, tested), tested)]
    mine, theirs = _learnt(ours, tested), _learnt(other, tested)
    return [
        Experiment("ours", mine, tested),
        Experiment("other", theirs, tested),
        Experiment("both", mine + theirs, tested),
    ]


def run(
    experiment: Experiment,
    settings: Settings,
    folder: Path,
    cache: Path,
    on_clip: Callable[[str], None] | None = None,
    on_epoch: Callable[[int, float], None] | None = None,
) -> Result:
    """Trains, or goes on where an earlier call was interrupted, and tests.

    ``folder`` gets the checkpoint and the predictions, ``cache`` the decoded frames of all experiments.
    """
    start = time.monotonic()
    clips = [*experiment.train, *experiment.test.clips]
    frames = features.load_all({clip.clip_id: clip for clip in clips}.values(), cache, on_clip=on_clip)
    network = training.train(experiment.train, frames, settings, folder / CHECKPOINT_FILE, on_epoch)
    said = answers.predict(network, experiment.test.clips, frames)
    predictions.write(folder / PREDICTIONS_FILE, said)
    return Result(
        name=experiment.name,
        train_clips=len(experiment.train),
        train_accidents=sum(clip.is_accident for clip in experiment.train),
        device=str(settings.torch_device),
        seconds=round(time.monotonic() - start, 1),
        settings=settings,
        report=score(experiment.name, experiment.test, said),
    )


def _tested(truth: GroundTruth, *, whole: bool) -> GroundTruth:
    if any(clip.split == "test" for clip in truth.clips):
        return truth.of_split("test")
    if whole:
        return truth
    held_out = tuple(clip for clip in truth.clips if _is_held_out(clip))
    if not held_out:
        raise TrainingError(f"{truth.url}: has no clips to test on", code="training.no_test")
    return GroundTruth(f"{truth.name} (test)", truth.url, held_out)


def _learnt(truth: GroundTruth, tested: GroundTruth) -> tuple[TrueClip, ...]:
    taken = _keys(tested.clips)
    unsplit = not any(clip.split == "test" for clip in truth.clips)
    return tuple(
        clip
        for clip in truth.clips
        if clip.split != "test"
        and not (unsplit and truth.url == tested.url and _is_held_out(clip))
        and not _keys([clip]) & taken
    )


def _keys(clips: Iterable[TrueClip]) -> set[tuple[str, str]]:
    found = {("clip", clip.clip_id) for clip in clips}
    found |= {("camera", clip.camera_id) for clip in clips}
    return found | {("pair", clip.pair_id) for clip in clips if clip.pair_id is not None}


def _is_held_out(clip: TrueClip) -> bool:
    """By a hash of the camera: the same clips whatever else the folder holds."""
    return int(hashlib.sha256(clip.camera_id.encode()).hexdigest()[:8], 16) / 2**32 < _TEST_SHARE
