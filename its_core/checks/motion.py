"""Motion in a fixed camera's picture: how much moves, for how long nothing moves, whether it stopped suddenly, cuts.

It compares block means: sensor noise averages out in a block, while a person a few pixels wide still changes a block
or two. A scene may come to rest (a crash does). A frozen picture stops from one frame to the next, with everything that
was moving in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Luma = NDArray[np.uint8]  # H×W
Blocks = NDArray[np.float32]

BLOCK_ROWS = 88  # 8×8 pixels at 704 lines
# A block moved when its mean changed by more levels than noise and coding account for: on clips of noise with a
# standard deviation of 0 to 8 levels, the change that noise alone made stayed under 5.5, a pedestrian's was over 14.
FLOOR_LEVELS = 4.0
NOISE_FACTOR = 3.0
LEAST_BLOCKS = 4
# Where more than half the blocks change strongly (a shaking camera, a lorry close by), that is not all noise.
MOST_NOISE_LEVELS = 4.0
# Steps looked at on each side of a still stretch to tell a sudden end of motion from one that ebbs away (even braking
# makes the last four go as 7 : 5 : 3 : 1), and the change a step must make to be judged: a car crossing some blocks.
NEIGHBOURHOOD = 4
BUSY_LEVELS = 100.0
# What ends a still stretch, or begins it, is judged away from the frame's edge, where cars come and go in a frame or
# two, and only when it is a fair share of the clip's usual motion: the last rolling of a wreck is no freeze.
EDGE = 0.08  # of the frame's height and width, on each side
FAIR_SHARE = 0.1
CUT_LEVELS, CUT_SHARE = 20.0, 0.5


def block_means(luma: Luma) -> Blocks:
    """Means of square blocks, about 88 rows of them, in luma levels."""
    side = max(4, round(luma.shape[0] / BLOCK_ROWS))
    rows, columns = luma.shape[0] // side, luma.shape[1] // side
    cut = luma[: rows * side, : columns * side].reshape(rows, side, columns * side)
    lines = cut.sum(axis=1, dtype=np.uint16).astype(np.float32)
    # Whole numbers below 2**24 add up exactly; a product of matrices takes a quarter of the time of a sum along rows.
    sums: Blocks = (lines.reshape(-1, side) @ np.ones(side, np.float32)).reshape(rows, columns)
    return sums / np.float32(side * side)


@dataclass(frozen=True, slots=True)
class Change:
    """How much each block changed from one frame to another, a change of exposure left out, in levels; ``noise`` is
    the part of it that noise explains."""

    levels: Blocks
    noise: float

    @classmethod
    def between(cls, before: Blocks, after: Blocks) -> Change:
        change = after - before
        change -= np.median(change)
        np.abs(change, out=change)
        return cls(change, min(float(np.median(change)) / 0.6745, MOST_NOISE_LEVELS))

    def motion(self, edge: float = 0.0) -> float:
        """The summed change of the blocks that changed by more than noise explains, those within ``edge`` of the
        frame's sides left out."""
        rows, columns = (round(edge * length) for length in self.levels.shape)
        inner = self.levels[rows : self.levels.shape[0] - rows, columns : self.levels.shape[1] - columns]
        moved = inner[inner > FLOOR_LEVELS + NOISE_FACTOR * self.noise]
        return float(moved.sum()) if len(moved) >= LEAST_BLOCKS else 0.0

    def is_cut(self) -> bool:
        """Whether most blocks changed strongly and differently: a change of exposure moves all of them alike."""
        return bool(np.count_nonzero(self.levels > CUT_LEVELS) > CUT_SHARE * self.levels.size)


class MotionMeter:
    """Takes frames one by one; remembers sums and the frame since which nothing has moved."""

    def __init__(self) -> None:
        self._previous: Blocks | None = None
        self._anchor: Blocks | None = None
        self._steps: list[float] = []  # motion between neighbouring frames, away from the edge
        self._stretches: list[tuple[int, int]] = []  # [first, end) of frames in which nothing moves away from the first
        self._first = 0
        self.cuts = 0

    def add(self, blocks: Blocks) -> None:
        """Takes a frame's block means."""
        if self._previous is None or self._anchor is None or blocks.shape != self._previous.shape:
            self._anchor = blocks
        else:
            index = len(self._steps) + 1
            change = Change.between(self._previous, blocks)
            self._steps.append(change.motion(EDGE))
            self.cuts += change.is_cut()
            since = change if self._anchor is self._previous else Change.between(self._anchor, blocks)
            if since.motion():
                self._stretches.append((self._first, index))
                self._first, self._anchor = index, blocks
        self._previous = blocks

    @property
    def still_frames(self) -> int:
        """The longest run of frames in which nothing moves."""
        return max((end - first for first, end in self._all_stretches()), default=0)

    @property
    def frozen_frames(self) -> int:
        """The longest such run, of two frames or more, that begins or ends too abruptly for things that have mass."""
        runs = (end - first for first, end in self._all_stretches() if self._is_abrupt(first, end))
        return max((run for run in runs if run > 1), default=0)

    def _all_stretches(self) -> list[tuple[int, int]]:
        frames = len(self._steps) + 1 if self._previous is not None else 0
        return [*self._stretches, (self._first, frames)] if frames else []

    def _is_abrupt(self, first: int, end: int) -> bool:
        # Step i leads from frame i to frame i + 1.
        before = self._steps[max(0, first - NEIGHBOURHOOD) : first][::-1]
        after = self._steps[end - 1 : end - 1 + NEIGHBOURHOOD] if end <= len(self._steps) else []
        fair = max(BUSY_LEVELS, FAIR_SHARE * float(np.median([step for step in self._steps if step] or [0.0])))
        return _is_strong(before, fair) or _is_strong(after, fair)


def _is_strong(steps: list[float], fair: float) -> bool:
    """Whether motion next to a still stretch (nearest step first) is as strong as further away from it."""
    if len(steps) < NEIGHBOURHOOD:
        return False
    usual = float(np.median(steps))
    return usual >= fair and steps[0] >= usual / 2
