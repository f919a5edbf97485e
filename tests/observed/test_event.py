"""A drawn crash scores, at its moment and place; bodies that only pass each other do not."""

from __future__ import annotations

import pytest

from its_core.observed.event import most_likely_event
from its_core.observed.record import ObservedBox, ObservedTrack

FPS = 10


def line(track_id: int, lefts: list[float], top: float = 40.0) -> ObservedTrack:
    boxes = [ObservedBox(frame=n, box=(x, top, x + 30, top + 15), confidence=0.9) for n, x in enumerate(lefts)]
    return ObservedTrack(track_id=track_id, type="car", confidence=0.9, boxes=boxes)


def test_two_cars_that_meet_and_stop_are_an_event_where_they_meet() -> None:
    one = line(1, [min(10 + 4 * n, 70) for n in range(40)])  # stops at frame 15, where the other one is
    other = line(2, [max(154 - 4 * n, 94) for n in range(40)])

    event = most_likely_event([one, other], FPS)

    assert event is not None
    assert event.score > 0.5
    assert event.tracks == (1, 2)
    assert event.frame == pytest.approx(15, abs=2)
    assert event.time_s == event.frame / FPS
    assert event.point_px == pytest.approx((97, 47.5), abs=4)
    assert event.box == pytest.approx((70, 40, 124, 55), abs=8)


@pytest.mark.parametrize("distance_px", [0, 12])
def test_cars_that_pass_each_other_at_one_speed_are_none(distance_px: int) -> None:
    one = line(1, [10 + 4 * n for n in range(40)])
    other = line(2, [154 - 4 * n for n in range(40)], top=40 + distance_px)

    assert most_likely_event([one, other], FPS) is None


def test_a_car_that_brakes_alone_is_none() -> None:
    braking = line(1, [min(10 + 4 * n, 70) for n in range(40)])

    assert most_likely_event([braking, line(2, [200.0] * 40)], FPS) is None
    assert most_likely_event([], FPS) is None
