"""What a training sample shows of a clip: which frames and which square of the picture, and how it is changed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from its_core.evaluation.detector.features import SIZE_PX, Features
from its_core.evaluation.detector.network import CELL_PX
from its_core.evaluation.detector.road_users import RoadUsers
from its_core.evaluation.ground_truth import TrueClip

_EDGE_FRAMES = 4  # a contact lies this far inside its window
_CONFLICT_SHARE = 0.6
_TRIES = 8
_MOTION_STEP_PX, _LEAST_CHANGE = 4, 10  # every so many pixels; grey levels over two frames

Point = tuple[float, float]  # x and y, shares of the frame


@dataclass(frozen=True, slots=True)
class Window:
    """How much of a clip a view holds: ``frames`` at most, in a square of ``crop_px`` pixels after scaling by ``zoom``
    (least and largest)."""

    frames: int
    crop_px: int
    zoom: tuple[float, float]


SHORT = Window(20, 96, (0.65, 1.5))
LONGER = Window(24, 112, (0.65, 1.5))
WIDE = Window(61, 216, (0.85, 1.3))  # nearly all of a clip: a score of a clip is the highest of a clip, not of a crop


@dataclass(frozen=True, slots=True)
class View:
    """``length`` frames from ``start``, a square of ``side`` pixels from ``left`` and ``top``, scaled to ``crop_px``.
    The picture is flipped, its contrast multiplied by ``gain``, its brightness raised by ``lift``; ``noise`` is added,
    random from ``seed``."""

    start: int
    length: int
    left: int
    top: int
    side: int
    crop_px: int
    flipped: bool
    gain: float
    lift: float
    noise: float
    seed: int

    @property
    def cells(self) -> int:
        """On a side of the crop."""
        return self.crop_px // CELL_PX

    def in_cells(self, point: Point) -> Point:
        """A point of the frame in the crop's cells."""
        x = (point[0] * SIZE_PX[1] - self.left) / self.side * self.cells
        y = (point[1] * SIZE_PX[0] - self.top) / self.side * self.cells
        return (self.cells - x if self.flipped else x), y

    def holds_contact(self, clip: TrueClip, features: Features) -> bool:
        """Whether the first contact is in the view."""
        contact = contact_frame(clip, features)
        if contact is None or not self.start <= contact < self.start + self.length:
            return False
        x, y = self.in_cells(clip.center or (0.5, 0.5))
        return 0 <= x <= self.cells and 0 <= y <= self.cells


def contact_frame(clip: TrueClip, features: Features) -> int | None:
    if clip.accident_time_s is None:
        return None
    return int(np.abs(features.times_s - clip.accident_time_s).argmin())


def at_contact(clip: TrueClip, features: Features, window: Window, rng: np.random.Generator) -> View:
    """A view that holds the first contact, anywhere in it."""
    total = len(features.times_s)
    length = min(window.frames, total)
    contact = contact_frame(clip, features)
    assert contact is not None
    earliest = int(np.clip(contact - length + 1 + _EDGE_FRAMES, 0, total - length))
    latest = int(np.clip(contact - _EDGE_FRAMES, earliest, total - length))
    side = _side(window, rng)
    start = int(rng.integers(earliest, latest + 1))
    return _view(start, length, clip.center or (0.5, 0.5), 0.35 * side, side, window, rng)


def elsewhere(
    clip: TrueClip, features: Features, users: RoadUsers | None, window: Window, rng: np.random.Generator
) -> View:
    """A view in which nothing touches for the first time: of a conflict, or of something that moves."""
    total = len(features.times_s)
    length = min(window.frames, total)
    for _ in range(_TRIES):
        side = _side(window, rng)
        if users is not None and rng.random() < _CONFLICT_SHARE:
            at, point = _conflict(users, rng)
            start = int(np.clip(at - rng.integers(0, length), 0, total - length))
        else:
            start = int(rng.integers(0, total - length + 1))
            point = _moving(features, start, length, rng)
        view = _view(start, length, point, 0.3 * side, side, window, rng)
        if not view.holds_contact(clip, features):
            return view
    before = max(1, (contact_frame(clip, features) or total) - 1)
    return _view(0, min(length, before), (0.5, 0.5), 0, side, window, rng)


def _side(window: Window, rng: np.random.Generator) -> int:
    """Of the square that is scaled to a crop."""
    zoom = math.exp(rng.uniform(*np.log(window.zoom)))
    return min(round(window.crop_px / zoom), *SIZE_PX)


def _view(
    start: int, length: int, point: Point, reach_px: float, side: int, window: Window, rng: np.random.Generator
) -> View:
    """A square that has a point within ``reach_px`` of its middle, as far as the frame lets."""
    left, top = (
        int(np.clip(round(share * size - side / 2 + rng.uniform(-reach_px, reach_px)), 0, size - side))
        for share, size in zip(point, SIZE_PX[::-1], strict=True)
    )
    return View(
        start,
        length,
        left,
        top,
        side,
        window.crop_px,
        flipped=bool(rng.random() < 0.5),
        gain=float(rng.uniform(0.7, 1.3)),
        lift=float(rng.uniform(-0.15, 0.15)),
        noise=float(rng.uniform(0, 0.02)),
        seed=int(rng.integers(2**31)),
    )


def _conflict(users: RoadUsers, rng: np.random.Generator) -> tuple[int, Point]:
    """A frame and a place, the likelier the more a road user's motion there is like a crash."""
    weights = users.conflict.astype(np.float64).ravel()
    if weights.sum() == 0:
        return int(rng.integers(len(users.conflict))), (float(rng.random()), float(rng.random()))
    at, number = divmod(int(rng.choice(len(weights), p=weights / weights.sum())), users.conflict.shape[1])
    x1, y1, x2, y2 = users.boxes[at, number]
    return at, (float(x1 + x2) / 2, float(y1 + y2) / 2)


def _moving(features: Features, start: int, length: int, rng: np.random.Generator) -> Point:
    """A random place at which something moves."""
    step = _MOTION_STEP_PX
    at = start + int(rng.integers(0, max(1, length - 2)))
    first, last = (
        features.frames[each, ::step, ::step].astype(np.float32) for each in (at, min(at + 2, start + length - 1))
    )
    change = np.maximum(np.abs(last - first) - _LEAST_CHANGE, 0).ravel()
    if change.sum() == 0:
        return float(rng.random()), float(rng.random())
    place = int(np.searchsorted(np.cumsum(change), rng.random() * change.sum()))
    y, x = divmod(min(place, len(change) - 1), first.shape[1])
    return (x + 0.5) * step / SIZE_PX[1], (y + 0.5) * step / SIZE_PX[0]
