"""Instance masks as COCO's compressed run-length encoding, straight from the picture of ids.

The format is that of ``pycocotools`` (``maskApi.c``: ``rleEncode``, ``rleToString``): lengths of runs of 0 and 1 by
turns down the columns, each but the first three as the difference from the one two before, in groups of five bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from its_core.annotations import Annotations
from its_core.engines.simulator.compilation import kernel

Frame = NDArray[np.uint8]


def encoded(ids: Frame, count: int) -> list[str | None]:
    """The masks of actors 0 to ``count`` − 1 in a picture of ids (H×W); None for those who do not show."""
    runs, ends = _runs(ids, count)
    return [
        _text(runs[first:last].tolist()) if last > first else None
        for first, last in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    ]


@kernel
def _runs(ids: Frame, count: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All actors' run lengths one after another, and where each one's begin and end."""
    height, width = ids.shape
    starts = np.zeros(count + 1, np.int64)
    last = np.full(count, -2, np.int64)
    for column in range(width):
        for row in range(height):
            who = ids[row, column]
            if who >= count:
                continue
            at = column * height + row
            if last[who] != at - 1:
                starts[who + 1] += 1
            last[who] = at
    shown = starts[1:] > 0
    ends = np.zeros(count + 1, np.int64)
    for who in range(count):
        length = 2 * starts[who + 1]
        if shown[who] and last[who] != height * width - 1:
            length += 1
        ends[who + 1] = ends[who] + length
    runs = np.zeros(ends[count], np.int64)
    filled = ends[:-1].copy()
    end = np.zeros(count, np.int64)  # where each one's last run ended
    last[:] = -2
    for column in range(width):
        for row in range(height):
            who = ids[row, column]
            if who >= count:
                continue
            at = column * height + row
            if last[who] != at - 1:
                runs[filled[who]] = at - end[who]
                filled[who] += 2
            runs[filled[who] - 1] += 1
            last[who] = at
            end[who] = at + 1
    for who in range(count):
        if shown[who] and end[who] < height * width:
            runs[filled[who]] = height * width - end[who]
    return runs, ends


def _text(runs: list[int]) -> str:
    letters = []
    for number, run in enumerate(runs):
        value = run - runs[number - 2] if number > 2 else run
        more = True
        while more:
            bits = value & 31
            value >>= 5
            more = value != -1 if bits & 16 else value != 0
            letters.append(chr((bits | 32 if more else bits) + 48))
    return "".join(letters)


def with_masks(annotations: Annotations, masks: Sequence[Sequence[str | None]]) -> Annotations:
    """The annotations with ``masks``: by frame, then by track in the order of the annotations."""
    tracks = [
        track.model_copy(
            update={"frames": [at.model_copy(update={"mask": masks[at.frame][number]}) for at in track.frames]}
        )
        for number, track in enumerate(annotations.tracks)
    ]
    return annotations.model_copy(update={"tracks": tracks})
