"""Agreement with the truth, counted by size."""

from __future__ import annotations

from its_core.annotations import Box
from its_core.observed.agreement import compare, size_of, total
from its_core.observed.record import Agreement, ObservedBox, ObservedTrack
from tests.dataset import samples


def observed(*boxes: tuple[int, Box]) -> ObservedTrack:
    found = [ObservedBox(frame=frame, box=box, confidence=0.8) for frame, box in boxes]
    return ObservedTrack(track_id=1, type="car", confidence=0.8, boxes=found)


def test_sizes_are_cocos() -> None:
    assert [size_of((0, 0, side, side)) for side in (31, 32, 95, 96)] == ["small", "medium", "medium", "large"]


def test_true_boxes_that_are_found_missed_and_made_up() -> None:
    truth = samples.truth()  # three boxes of 16×12 pixels a frame
    seen = [box for track in truth.tracks if (box := track.frames[0].visible_box) is not None]
    moved = (seen[1][0] + 2, seen[1][1], seen[1][2] + 2, seen[1][3])

    agreement = compare([observed((0, seen[0]), (0, seen[0]), (0, moved), (1, (0.0, 0.0, 90.0, 90.0)))], truth)

    frames = samples.GEOMETRY.frames
    assert agreement == [
        Agreement(size="small", true_boxes=3 * frames, found=2, false=1),
        Agreement(size="medium", true_boxes=0, found=0, false=1),
        Agreement(size="large", true_boxes=0, found=0, false=0),
    ]
    assert total([agreement, agreement])[0] == Agreement(size="small", true_boxes=6 * frames, found=4, false=2)
