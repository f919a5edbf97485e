"""The audit finds a shortcut that was planted, and none where there is none."""

from pathlib import Path

import numpy as np
import pytest

from its_core.dataset.publish import Published
from its_core.evaluation import ground_truth
from its_core.evaluation.audit import distributions, metadata_inputs, shortcuts
from its_core.evaluation.audit.shortcuts import AuditError
from its_core.evaluation.scoring import bootstrap, ranking
from tests.evaluation import drawn, made_up

pytestmark = pytest.mark.slow


def auc(values: np.ndarray, labels: np.ndarray, cameras: np.ndarray) -> bootstrap.Estimate:
    scores = shortcuts.scores_on_unseen_cameras(values, labels, cameras)
    return bootstrap.estimate(ranking.auc(scores, labels, bootstrap.camera_weights(list(cameras), 200)))


@pytest.fixture
def clips() -> tuple[np.ndarray, np.ndarray]:
    """Labels and cameras of 60 clips, half of them accidents, of 15 cameras."""
    return np.arange(60) % 2 == 0, np.asarray([f"cam-{number // 4}" for number in range(60)])


def test_what_says_something_is_found(clips: tuple[np.ndarray, np.ndarray]) -> None:
    labels, cameras = clips
    told = np.random.default_rng(0).normal(labels * 2.0, 1.0)[:, None]
    found = auc(told, labels, cameras)
    assert found.value > 0.8
    assert found.low > shortcuts.SUSPECT_AUC


def test_what_is_not_linear_is_found_too(clips: tuple[np.ndarray, np.ndarray]) -> None:
    labels, cameras = clips
    signs = np.random.default_rng(0).choice([-1, 1], (60, 2))
    signs[:, 1] = np.where(labels, signs[:, 0], -signs[:, 0])  # an exclusive or
    assert auc(signs + 0.0, labels, cameras).value > 0.9


def test_noise_and_what_only_names_the_camera_are_not(clips: tuple[np.ndarray, np.ndarray]) -> None:
    labels, cameras = clips
    noise = np.random.default_rng(1).normal(size=(60, 5))
    assert 0.3 < auc(noise, labels, cameras).value < 0.7
    whole_cameras = np.asarray([int(name[4:]) % 2 == 0 for name in cameras])
    by_camera = np.random.default_rng(2).normal(size=15)[np.arange(60) // 4][:, None]
    assert auc(by_camera, whole_cameras, cameras).low < shortcuts.SUSPECT_AUC


def test_a_null_that_gives_the_class_away_is_found() -> None:
    rows = [{"rollover": None if number % 2 else False, "light": "day", "seed": number} for number in range(40)]
    clips = [
        (made_up.clip if number % 2 else made_up.calm)(str(number), row=row, camera_id=f"cam-{number // 4}")
        for number, row in enumerate(rows)
    ]
    inputs = metadata_inputs.inputs(clips)
    labels = np.asarray([clip.is_accident for clip in clips])
    cameras = np.asarray([clip.camera_id for clip in clips])
    assert auc(inputs["labels that are null"], labels, cameras).value == 1.0
    assert auc(inputs["conditions"], labels, cameras).value == pytest.approx(0.5)


def test_an_audit_of_drawn_clips_looks_at_pixels_and_metadata(tmp_path: Path) -> None:
    truth = drawn.clips(tmp_path, cameras=4, split_test=0)
    findings = shortcuts.audit(truth)
    assert {finding.kind for finding in findings} == {"pixels", "metadata"}
    assert all(0 <= finding.auc.value <= 1 for finding in findings)


def test_an_audit_of_a_version_looks_at_its_truth(mixed: Published) -> None:
    findings = shortcuts.audit(ground_truth.open_truth(mixed.url))
    assert {f.looks_at for f in findings if f.kind == "truth"} >= {"speeds at frame 0", "order of the tracks", "camera"}


def test_too_few_cameras_are_refused() -> None:
    with pytest.raises(AuditError) as refused:
        shortcuts.audit(made_up.truth(made_up.clip("a"), made_up.calm("b")))
    assert refused.value.code == "audit.too_few"


def test_distributions_by_hand(mixed: Published) -> None:
    half = made_up.clip("half", accident_time_s=5.0, center=(0.05, 0.5), box=(0.0, 0.4, 0.1, 0.6))
    found = {line.what: line.here for line in distributions.lines(made_up.truth(made_up.clip("a"), half))}
    assert found["time of the crash, share of the clip: median"] == pytest.approx(0.35)
    assert found["width of the crash, share of the frame: median"] == pytest.approx(0.15)
    assert found["crashes within 10 % of an edge"] == 0.5
    # Two crashes three seconds apart: the best constant is one of them, which scores (1 + exp(-4.5)) / 2.
    best = found["best constant guess of the time (ACCIDENT's when)"]
    assert best == pytest.approx((1 + np.exp(-4.5)) / 2, abs=0.01)
    truth = ground_truth.open_truth(mixed.url)
    assert {line.what: line.here for line in distributions.lines(truth)}["clips in which nothing moves in view"] == 0.0
