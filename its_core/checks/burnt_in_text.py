"""Burnt-in text: lines of light characters that stand still before the scene, as a recorder or an editor writes them.

Characters are told from windows, railings and road markings by their line: equal heights, one straight and level base,
and uneven distances from letter to letter. Dark text is not looked for: rows of windows are too much like it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.checks.motion import Luma

_STROKE = 0.012  # of the picture's height: no stroke of a character is wider
_CONTRAST_LEVELS = 45
_LIGHT_LEVELS = 128
_HEIGHTS = (0.012, 0.06)  # of a character, shares of the picture's height
_MOST_WIDTH, _MOST_GAP = 1.6, 1.3  # of a character's height
_ALIKE, _LEVEL = 1.5, 0.2  # neighbours: ratio of heights, difference of their bases in heights
_MOST_BASE_SPREAD, _MOST_HEIGHT_SPREAD = 0.08, 0.25  # of a line, standard deviations in heights
_LEAST_PITCH_SPREAD = 0.15  # the same, of the distances from letter to letter: windows come at even ones
_LEAST_CHARACTERS = 5


@dataclass(frozen=True, slots=True)
class TextLine:
    """A line of text and the pixels that it covers, right and bottom edge exclusive."""

    characters: int
    left_px: int
    top_px: int
    right_px: int
    bottom_px: int

    def overlaps(self, other: TextLine) -> bool:
        beside = self.right_px <= other.left_px or other.right_px <= self.left_px
        above = self.bottom_px <= other.top_px or other.bottom_px <= self.top_px
        return not (beside or above)


class TextMeter:
    """Takes frames one by one and keeps the darkest value of each pixel: what moves fades, what is burnt in stays."""

    def __init__(self) -> None:
        self._darkest: Luma | None = None

    def add(self, luma: Luma) -> None:
        if self._darkest is None or self._darkest.shape != luma.shape:
            self._darkest = luma.copy()
        else:
            np.minimum(self._darkest, luma, out=self._darkest)

    def lines(self) -> list[TextLine]:
        return [] if self._darkest is None else text_lines(self._darkest)


def longest_new_line(lines: Sequence[TextLine], known: Sequence[TextLine]) -> int:
    """Characters of the longest line that covers none of the known ones; 0 without one."""
    return max((line.characters for line in lines if not any(line.overlaps(other) for other in known)), default=0)


def text_lines(luma: Luma) -> list[TextLine]:
    """The lines of light text in a picture."""
    found = [line for line in _chains(_characters(luma)) if _is_text(line)]
    return [
        TextLine(
            characters=len(line),
            left_px=int(line[:, 2].min()),
            top_px=int(line[:, 0].min()),
            right_px=int(line[:, 3].max()),
            bottom_px=int(line[:, 1].max()),
        )
        for line in found
    ]


def _characters(luma: Luma) -> NDArray[np.int64]:
    """K×4: top, bottom, left and right edge of each light thing with thin strokes, from left to right."""
    from scipy import ndimage

    height = luma.shape[0]
    side = 2 * round(_STROKE * height) + 1
    opened = _extremes(_extremes(luma, side, np.minimum, 255), side, np.maximum, 0)
    # Opening takes thin light things away; the difference from the picture is what it took ("white top-hat").
    strokes = (luma - opened > _CONTRAST_LEVELS) & (luma >= _LIGHT_LEVELS)
    labels, _ = ndimage.label(strokes)
    least, most = max(6.0, _HEIGHTS[0] * height), _HEIGHTS[1] * height
    edges = [
        (rows.start, rows.stop, columns.start, columns.stop)
        for rows, columns in ndimage.find_objects(labels)
        if least <= rows.stop - rows.start <= most
        and columns.stop - columns.start <= _MOST_WIDTH * (rows.stop - rows.start)
    ]
    return np.array(sorted(edges, key=lambda edge: edge[2]), np.int64).reshape(-1, 4)


def _extremes(luma: Luma, side: int, extreme: np.ufunc, neutral: int) -> Luma:
    """Of squares of ``side`` pixels (odd) around each pixel, those beyond the picture left out. Windows of 2, 4, 8 …
    are put together from smaller ones: a ninth of the time of SciPy's filters."""
    found: Luma = np.pad(luma, side // 2, constant_values=neutral)
    for axis in (0, 1):
        found, width = np.swapaxes(found, 0, axis), 1
        while width < side:
            step = min(width, side - width)
            found = extreme(found[:-step], found[step:])
            width += step
        found = np.swapaxes(found, 0, axis)
    return found


def _chains(characters: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Characters that follow one another on one level, as lines."""
    edges = [tuple(map(int, edge)) for edge in characters]  # numpy's own numbers are slow one by one
    free = [True] * len(edges)
    lines = []
    for first in range(len(edges)):
        if not free[first]:
            continue
        line = [first]
        while (following := _next(edges, free, line[-1])) is not None:
            line.append(following)
            free[following] = False
        if len(line) >= _LEAST_CHARACTERS:
            lines.append(characters[line])
    return lines


def _next(edges: list[tuple[int, ...]], free: list[bool], index: int) -> int | None:
    top, bottom, _, right = edges[index]
    height = bottom - top
    for other in range(index + 1, len(edges)):
        other_top, other_bottom, other_left, _ = edges[other]
        if other_left - right > _MOST_GAP * height:
            return None
        if not free[other] or other_left < right - 1 or abs(other_bottom - bottom) > _LEVEL * height:
            continue
        other_height = other_bottom - other_top
        if max(height, other_height) <= _ALIKE * min(height, other_height):
            return other
    return None


def _is_text(line: NDArray[np.int64]) -> bool:
    heights, widths = line[:, 1] - line[:, 0], line[:, 3] - line[:, 2]
    height = float(np.median(heights))
    pitch = widths[:-1] + line[1:, 2] - line[:-1, 3]
    return bool(
        line[:, 1].std() <= _MOST_BASE_SPREAD * height
        and heights.std() <= _MOST_HEIGHT_SPREAD * height
        and pitch.std() >= _LEAST_PITCH_SPREAD * height
    )
