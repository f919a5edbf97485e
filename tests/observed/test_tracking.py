"""Drawn detections become the tracks that they were drawn from."""

from __future__ import annotations

from collections.abc import Sequence

from its_core.observed.detector import Detection
from its_core.observed.tracking import track, without_doubles

FPS = 10


def car(x: float, y: float = 40.0, confidence: float = 0.9, kind: str = "car") -> Detection:
    return Detection((x, y, x + 30, y + 15), confidence, kind)


def test_two_cars_that_drive_past_each_other_keep_their_numbers() -> None:
    frames = [[car(10 + 4 * n, 20), car(130 - 4 * n, 60)] for n in range(30)]

    tracks = track(frames, FPS)

    assert [(each.track_id, each.type, len(each.boxes)) for each in tracks] == [(1, "car", 30), (2, "car", 30)]
    by_row = sorted(tracks, key=lambda each: each.boxes[0].box[1])
    assert [[each.box for each in line.boxes] for line in by_row] == [
        [frames[n][row].box for n in range(30)] for row in (0, 1)
    ]
    assert {each.confidence for each in tracks} == {0.9}


def test_a_car_that_is_missed_for_a_few_frames_is_the_same_car() -> None:
    frames = [[] if n in (8, 9, 17) else [car(10 + 3 * n)] for n in range(30)]

    (only,) = track(frames, FPS)

    assert [each.frame for each in only.boxes] == [n for n in range(30) if n not in (8, 9, 17)]


def test_a_car_that_is_sometimes_called_a_truck_is_one_track_and_a_person_is_another() -> None:
    frames: list[Sequence[Detection]] = [
        [car(10 + 2 * n, kind="truck" if n % 4 == 0 else "car"), Detection((100, 40, 108, 62), 0.7, "person")]
        for n in range(20)
    ]

    tracks = track(frames, FPS)

    assert sorted((each.type, len(each.boxes)) for each in tracks) == [("car", 20), ("person", 20)]


def test_one_body_found_twice_counts_once() -> None:
    both = [car(10, confidence=0.6, kind="truck"), car(11), car(80)]

    assert without_doubles(both) == [car(11), car(80)]


def test_a_flash_of_two_frames_is_no_track() -> None:
    frames = [[car(50)] if n in (5, 6) else [] for n in range(20)]

    assert track(frames, FPS) == []
