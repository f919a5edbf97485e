"""How well what was observed agrees with the truth, by the size of the boxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from its_core.annotations import Annotations, Box
from its_core.observed.record import Agreement, ObservedTrack, Size
from its_core.observed.tracking import area, iou

SIZES: tuple[Size, ...] = ("small", "medium", "large")
_LEAST_IOU = 0.5


def size_of(box: Sequence[float]) -> Size:
    """COCO's: below 32² pixels, below 96², above."""
    pixels = area(box)
    return "small" if pixels < 32**2 else "medium" if pixels < 96**2 else "large"


def compare(tracks: Iterable[ObservedTrack], truth: Annotations) -> list[Agreement]:
    """True boxes are the visible ones. Each detection covers at most one, the surest first; kinds are not compared."""
    true_boxes: dict[int, list[Box]] = {}
    for track in truth.tracks:
        for there in track.frames:
            if there.visible_box is not None and area(there.visible_box) > 0:
                true_boxes.setdefault(there.frame, []).append(there.visible_box)
    counts = {size: {"true_boxes": 0, "found": 0, "false": 0} for size in SIZES}
    for boxes in true_boxes.values():
        for box in boxes:
            counts[size_of(box)]["true_boxes"] += 1
    observed = sorted((each for track in tracks for each in track.boxes), key=lambda each: -each.confidence)
    for each in observed:
        free = true_boxes.get(each.frame, [])
        best = max(free, key=lambda box: iou(box, each.box), default=None)
        if best is not None and iou(best, each.box) >= _LEAST_IOU:
            free.remove(best)
            counts[size_of(best)]["found"] += 1
        else:
            counts[size_of(each.box)]["false"] += 1
    return [Agreement(size=size, **counts[size]) for size in SIZES]


def total(agreements: Iterable[Sequence[Agreement]]) -> list[Agreement]:
    """Several clips' agreements as one."""
    counts = [each for clip in agreements for each in clip]
    return [
        Agreement(
            size=size,
            true_boxes=sum(each.true_boxes for each in counts if each.size == size),
            found=sum(each.found for each in counts if each.size == size),
            false=sum(each.false for each in counts if each.size == size),
        )
        for size in SIZES
    ]
