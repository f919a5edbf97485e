"""What traffic and time leave on a road: polished wheel tracks, oil, patches, sealed cracks, covers, tyre marks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.compilation import inline
from its_core.engines.simulator.meshes.noise import sampled_at
from its_core.engines.simulator.randomness import normal, normals, rng_of
from its_core.engines.simulator.roads.layouts import Lane, Layout, Rect

F32 = NDArray[np.float32]
Sides = tuple[NDArray[np.float64], NDArray[np.float64]]  # a lane's points and the unit vectors to its left

_SIDE_PX = 2048
_REACH_M = 72.0
_NEUTRAL = 128
_LEVELS = 5
_TILE_PX, _BLUR_PX = 128, 12  # a tile's side, and how far beyond it a blur reaches at most
_TRACK_M = 0.78  # half a car's track


@dataclass(frozen=True, slots=True)
class Wear:
    """A plan of relative brightness (1: plain asphalt) in several finenesses, over ``rect``."""

    rect: Rect
    levels: tuple[F32, ...]


@inline
def worn_at(x: Any, y: Any, footprint_m: float, rect: Rect, levels: tuple[F32, ...]) -> float:
    """Brightness at a road point, averaged over about the footprint of a pixel there; ``rect`` and ``levels`` as of
    ``Wear``."""
    side_m = rect[2] - rect[0]
    if abs(x - (rect[0] + rect[2]) / 2) >= _REACH_M or abs(y - (rect[1] + rect[3]) / 2) >= _REACH_M:
        return 1.0
    level, texel = 0, 2.0 * side_m / levels[0].shape[1]
    while level < len(levels) - 1 and footprint_m >= texel:
        level, texel = level + 1, 2.0 * texel
    grid = levels[level]
    cells = np.float32(grid.shape[1] / side_m)
    return sampled_at(grid, np.float32(rect[0]), np.float32(rect[3]), cells, cells, x, y)


def wear(layout: Layout, camera_id: str) -> Wear:
    fx, fy = layout.focus_m
    rect = (fx - _REACH_M, fy - _REACH_M, fx + _REACH_M, fy + _REACH_M)
    levels = []
    for image in _images(layout.name.value, camera_id, layout.worn_lanes, rect):
        level: F32 = np.multiply(np.asarray(image), np.float32(1 / _NEUTRAL), dtype=np.float32)
        _fade(level)
        levels.append(level)
    return Wear(rect, tuple(levels))


@lru_cache(maxsize=1)
def _images(layout_name: str, camera_id: str, worn: tuple[Lane, ...], rect: Rect) -> tuple[Image.Image, ...]:
    """``Wear.levels`` as bytes. The last camera's are kept: its next view, under another sky or without a post that was
    struck, has the same ones."""
    rng = rng_of("wear", layout_name, camera_id)
    plan, lanes = _Plan(rect), [_with_sides(lane) for lane in worn]
    plan.tracks(lanes, rng)
    plan.soften(0.16)
    plan.patches(lanes, rng)
    plan.cracks(lanes, rng)
    plan.covers(lanes, rng)
    plan.tyre_marks(lanes, rng)
    images = [_filtered(plan.image, ImageFilter.BoxBlur(0.6))]
    while len(images) < _LEVELS:
        images.append(images[-1].reduce(2))
    return tuple(images)


def _fade(level: F32) -> None:
    """Lets it run out to plain asphalt at the plan's edge."""
    ramp = np.linspace(0, 12, len(level)).clip(0, 1).astype(np.float32)
    rim = int(np.flatnonzero(ramp == 1.0)[0])
    for strip in (level, level.T, level[::-1], level.T[::-1]):
        strip[:rim] -= 1.0
        strip[:rim] *= ramp[:rim, None]
        strip[:rim] += 1.0


def _filtered(image: Image.Image, blur: ImageFilter.Filter) -> Image.Image:
    """The blurred image; only tiles on which something is drawn are blurred, the others stay as they are."""
    drawn = np.asarray(image) != _NEUTRAL
    made = image.copy()
    for top in range(0, _SIDE_PX, _TILE_PX):
        for left in range(0, _SIDE_PX, _TILE_PX):
            above, before = max(top - _BLUR_PX, 0), max(left - _BLUR_PX, 0)
            low, right = min(top + _TILE_PX + _BLUR_PX, _SIDE_PX), min(left + _TILE_PX + _BLUR_PX, _SIDE_PX)
            if drawn[above:low, before:right].any():
                tile = image.crop((before, above, right, low)).filter(blur)
                inner = (left - before, top - above, left - before + _TILE_PX, top - above + _TILE_PX)
                made.paste(tile.crop(inner), (left, top))
    return made


class _Plan:
    """A greyscale plan being drawn on, in metres."""

    def __init__(self, rect: Rect) -> None:
        self._rect = rect
        self._per_m = _SIDE_PX / (rect[2] - rect[0])
        self.image = Image.new("L", (_SIDE_PX, _SIDE_PX), _NEUTRAL)
        self._draw = ImageDraw.Draw(self.image)

    def soften(self, radius_m: float) -> None:
        self.image = _filtered(self.image, ImageFilter.GaussianBlur(radius_m * self._per_m))
        self._draw = ImageDraw.Draw(self.image)

    def _pixels(self, points: NDArray[np.float64]) -> list[tuple[float, float]]:
        x = (points[:, 0] - self._rect[0]) * self._per_m
        y = (self._rect[3] - points[:, 1]) * self._per_m
        return list(zip(x.tolist(), y.tolist(), strict=True))

    def _line(self, points: NDArray[np.float64], width_m: float, tone: int) -> None:
        self._draw.line(self._pixels(points), fill=tone, width=max(1, round(width_m * self._per_m)))

    def _middle(self) -> NDArray[np.float64]:
        return np.array([(self._rect[0] + self._rect[2]) / 2, (self._rect[1] + self._rect[3]) / 2])

    def tracks(self, lanes: list[Sides], rng: np.random.Generator) -> None:
        """Two polished strips a lane and the oily one between them."""
        polish, oil = int(rng.integers(8, 20)), int(rng.integers(14, 32))
        for points, aside in lanes:
            self._line(points, 0.7, _NEUTRAL - oil)
            for side in (-1.0, 1.0):
                self._line(points + side * _TRACK_M * aside, 0.42, _NEUTRAL + polish)

    def patches(self, lanes: list[Sides], rng: np.random.Generator) -> None:
        """Repairs in newer or older asphalt, edges sealed."""
        for _ in range(int(rng.integers(5, 12))):
            points, aside = lanes[int(rng.integers(len(lanes)))]
            near = np.flatnonzero(pm.norm(points - self._middle()) < 45.0)
            if len(near) < 2:
                continue
            at = int(rng.choice(near[:-1]))
            along = points[at + 1] - points[at]
            along /= max(float(pm.norm(along)), 1e-6)
            half = along * rng.uniform(0.6, 4.5), aside[at] * rng.uniform(0.4, 1.6)
            corners = points[at] + np.array(
                [-half[0] - half[1], half[0] - half[1], half[0] + half[1], half[1] - half[0]]
            )
            tone = _NEUTRAL + int(rng.choice([-40, -32, -22, 14, 22]))
            self._draw.polygon(self._pixels(corners), fill=tone)
            self._line(np.concatenate([corners, corners[:1]]), 0.07, tone - 26)

    def cracks(self, lanes: list[Sides], rng: np.random.Generator) -> None:
        """Meandering cracks, some of them sealed with tar."""
        for _ in range(int(rng.integers(14, 34))):
            points, aside = lanes[int(rng.integers(len(lanes)))]
            near = np.flatnonzero(pm.norm(points - self._middle()) < 50.0)
            if not len(near):
                continue
            at = int(rng.choice(near))
            heading = pm.atan2(aside[at][1], aside[at][0]) + (math.pi / 2 if rng.random() < 0.4 else 0.0)
            turns = heading + np.cumsum(normals(rng, 0.22, (int(rng.integers(8, 34)),)))
            steps = 0.3 * np.stack([pm.cos(turns), pm.sin(turns)], axis=1)
            path = points[at] - 1.5 * aside[at] + np.cumsum(steps, axis=0)
            self._line(path, 0.10 if rng.random() < 0.5 else 0.07, _NEUTRAL - int(rng.integers(34, 74)))

    def covers(self, lanes: list[Sides], rng: np.random.Generator) -> None:
        """Manholes."""
        for _ in range(int(rng.integers(3, 7))):
            points, aside = lanes[int(rng.integers(len(lanes)))]
            near = np.flatnonzero(pm.norm(points - self._middle()) < 40.0)
            if not len(near):
                continue
            at = int(rng.choice(near))
            x, y = self._pixels((points[at] + 0.9 * aside[at] * rng.choice([-1, 0, 1]))[None])[0]
            for radius_m, tone in ((0.46, 92), (0.38, 66), (0.33, 84)):
                r = radius_m * self._per_m
                self._draw.ellipse((x - r, y - r, x + r, y + r), fill=tone)

    def tyre_marks(self, lanes: list[Sides], rng: np.random.Generator) -> None:
        """Old skid marks, in pairs."""
        for _ in range(int(rng.integers(2, 6))):
            points, aside = lanes[int(rng.integers(len(lanes)))]
            near = np.flatnonzero(pm.norm(points - self._middle()) < 38.0)
            if len(near) < 20:
                continue
            at = int(rng.choice(near[:-16]))
            length = int(rng.integers(7, 16))
            drift = np.linspace(0.0, normal(rng, 0.0, 0.5), length)[:, None] * aside[at : at + length]
            for side in (-1.0, 1.0):
                path = points[at : at + length] + drift + side * _TRACK_M * aside[at : at + length]
                self._line(path, 0.19, _NEUTRAL - int(rng.integers(24, 56)))


def _with_sides(lane: Lane) -> Sides:
    points = np.array(lane.points, dtype=np.float64)
    along = np.gradient(points, axis=0)
    along /= np.maximum(pm.norm(along)[..., None], 1e-9)
    return points, np.stack([-along[:, 1], along[:, 0]], axis=1)
