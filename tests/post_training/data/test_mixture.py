"""The order of clips: in proportion, anew each epoch, the same for a seed."""

from __future__ import annotations

from collections import Counter

import pytest

from its_core.post_training.data.clips import Kind
from its_core.post_training.data.mixture import Mixture

KINDS: list[Kind] = ["incident"] * 3 + ["normal"] * 9


def mixture(incident: float = 1.0, normal: float = 1.0, seed: int = 0) -> Mixture:
    return Mixture(KINDS, [2] * len(KINDS), {"incident": incident, "normal": normal}, seed)


def epoch(drawn: Mixture, number: int) -> list[int]:
    size = drawn.epoch_size
    return [drawn.draw(number * size + place)[0] for place in range(size)]


def test_kinds_come_in_the_mixtures_proportion() -> None:
    for incident, normal, expected in ((1.0, 1.0, 6), (1.0, 3.0, 3), (3.0, 1.0, 9), (0.0, 1.0, 0)):
        drawn = mixture(incident, normal)
        kinds = Counter(KINDS[clip] for clip in epoch(drawn, 0))
        assert kinds["incident"] == round(expected * drawn.epoch_size / 12)


def test_every_clip_of_a_kind_comes_before_one_comes_again() -> None:
    counts = Counter(clip for clip in epoch(mixture(), 0) if KINDS[clip] == "incident")
    assert set(counts.values()) == {2}
    normal = [clip for number in range(3) for clip in epoch(mixture(1.0, 3.0), number) if KINDS[clip] == "normal"]
    assert set(Counter(normal).values()) == {3}


def test_the_order_changes_each_epoch_and_is_the_seeds() -> None:
    assert epoch(mixture(), 0) != epoch(mixture(), 1)
    assert epoch(mixture(), 5) == epoch(mixture(), 5)
    assert epoch(mixture(seed=1), 0) != epoch(mixture(), 0)


def test_all_windows_of_a_clip_come() -> None:
    drawn = mixture()
    windows = {drawn.draw(sample) for sample in range(600)}
    assert windows == {(clip, window) for clip in range(12) for window in range(2)}


def test_a_kind_without_clips_is_refused_where_it_is_to_be_drawn() -> None:
    with pytest.raises(ValueError, match="normal"):
        Mixture(["incident"], [1], {"incident": 1.0, "normal": 0.5}, 0)
    assert Mixture(["incident"], [1], {"incident": 1.0, "normal": 0.0}, 0).draw(3) == (0, 0)
