"""Who is trained on, and who is not."""

import pytest

from its_core.evaluation.detector import experiments
from its_core.evaluation.detector.training import TrainingError
from its_core.evaluation.ground_truth import GroundTruth
from tests.evaluation import made_up


def names(clips: tuple) -> set[str]:
    return {clip.clip_id for clip in clips}


OURS = GroundTruth(
    "ours/1",
    "/published/ours/1",
    (made_up.clip("a", split="train"), made_up.calm("b", split="val"), made_up.clip("c", split="test")),
)


def real(count: int) -> GroundTruth:
    clips = [made_up.clip(f"r{number}", split=None) for number in range(count)]
    return GroundTruth("real", "/footage/real", tuple(clips))


def test_a_version_is_trained_on_its_own_train_and_val() -> None:
    (only,) = experiments.plan(OURS)
    assert (names(only.train), names(only.test.clips)) == ({"a", "b"}, {"c"})


def test_another_version_gives_three_experiments_on_its_test() -> None:
    other = real(40)
    ours, theirs, both = experiments.plan(OURS, other)
    assert [each.name for each in (ours, theirs, both)] == ["ours", "other", "both"]
    held_out = names(ours.test.clips)
    assert 5 <= len(held_out) <= 20
    assert names(theirs.train) | held_out == names(other.clips)
    assert not names(theirs.train) & held_out
    assert names(both.train) == names(ours.train) | names(theirs.train)
    # Other clips in the folder move no clip between training and test.
    assert held_out <= names(experiments.plan(OURS, real(60))[0].test.clips)


def test_what_is_tested_on_is_not_trained_on() -> None:
    test = GroundTruth(
        "newer/2",
        "/published/ours/2",
        (made_up.clip("x", camera_id="cam-a", split="test"), made_up.clip("y", pair_id="p", split="test")),
    )
    ours = GroundTruth("ours/1", OURS.url, (*OURS.clips, made_up.clip("d", pair_id="p", split="train")))
    (only,) = experiments.plan(ours, test=test)
    assert names(only.train) == {"b"}  # a shares its camera, d its pair
    assert names(only.test.clips) == {"x", "y"}


def test_a_test_without_splits_is_taken_whole() -> None:
    assert len(experiments.plan(OURS, test=real(7))[0].test.clips) == 7


def test_without_a_test_there_is_nothing_to_say() -> None:
    alone = GroundTruth("one", "/one", (made_up.clip("r1", camera_id="never-held-out", split=None),))
    with pytest.raises(TrainingError) as refused:
        experiments.plan(alone)
    assert refused.value.code == "training.no_test"
