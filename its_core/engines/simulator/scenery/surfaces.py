"""What ground is covered with beside a road: slabs, and in town the plots between pavement and houses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.meshes.noise import hashed, noise
from its_core.engines.simulator.roads.layouts import Rect

F32 = NDArray[np.float32]

_PLOT_M = (21.0, 17.0)  # from path to path
_PARK_MARGIN_M = 1.4  # of asphalt about the bays of a car park
_PATH_M = 1.1  # half width of the slabs between plots
_EDGE_M = 0.16  # of stone, about each plot
_LAWN, _COBBLES, _CONCRETE = 0.55, 0.78, 0.90  # the hash below which a plot is one; the rest is gravel


@dataclass(frozen=True, slots=True)
class View:
    """Where pixels land: x, y and distance (m), and a pixel's mean size on the ground."""

    x: F32
    y: F32
    distance: F32
    footprint_m: F32

    def of(self, chosen: NDArray[np.intp]) -> View:
        """Some of the pixels, by their numbers in a flattened view: one after another."""
        return View(
            self.x.ravel()[chosen], self.y.ravel()[chosen], self.distance.ravel()[chosen],
            self.footprint_m.ravel()[chosen],
        )  # fmt: skip

    def grain(self, wave_m: float, number: int) -> F32:
        """Noise that fades as its waves grow finer than a pixel."""
        fade = np.clip(1.6 - 2.2 * self.footprint_m / np.float32(wave_m), 0.0, 1.0)
        faded: F32 = fade * noise(self.x, self.y, wave_m, number)
        return faded


def mixed(under: F32, over: F32, share: F32) -> F32:
    mixed: F32 = (under + share * (over - under)).astype(np.float32)
    return mixed


def slabs_of(view: View, coarse: F32, middle: F32, fine: F32) -> F32:
    """Pavement of square slabs."""
    tone = 0.30 * (1.0 + 0.06 * coarse + 0.06 * middle + 0.05 * fine)
    joint = np.zeros_like(tone)
    for along in (view.x, view.y):
        into = np.abs(along / np.float32(1.5) - np.round(along / np.float32(1.5))) * np.float32(1.5)
        wide = np.maximum(view.footprint_m, 0.022)
        joint = np.maximum(joint, np.clip(1.2 - into / wide, 0.0, 1.0) * np.minimum(0.022 / wide, 1.0))
    tone = tone * (1.0 - 0.38 * joint)
    slabs: F32 = tone[..., None] * np.array([1.0, 0.975, 0.93], np.float32)
    return slabs.astype(np.float32)


def town_ground(view: View, grass: F32, grain: tuple[F32, F32, F32], parks: Sequence[Rect]) -> F32:
    """Lawns (of ``grass``, H×W×3), cobbles, yards of concrete and gravel with paths of slabs between them; asphalt
    where cars are parked (``parks``)."""
    coarse, middle, fine = grain
    bend = np.float32(0.8) * noise(view.x, view.y, 60.0, 8)
    u, v = (
        view.x / np.float32(_PLOT_M[0]) + np.float32(0.13),
        (view.y + bend) / np.float32(_PLOT_M[1]) + np.float32(0.41),
    )
    column, row = np.floor(u), np.floor(v)
    plot = hashed(column.astype(np.int32), row.astype(np.int32), np.full(1, 5, np.int32))
    from_edge = np.minimum(
        (np.float32(0.5) - np.abs(u - column - np.float32(0.5))) * np.float32(_PLOT_M[0]),
        (np.float32(0.5) - np.abs(v - row - np.float32(0.5))) * np.float32(_PLOT_M[1]),
    )
    mown = np.float32(1.0) + np.float32(0.07) * np.sign(np.floor(v * np.float32(9.0)) % 2 - np.float32(0.5))
    made = grass * (mown * np.float32(1.05))[..., None]
    worn = (1.0 + 0.08 * coarse + 0.06 * middle + 0.06 * fine)[..., None]
    for low, high, paving in (
        (_LAWN, _COBBLES, _cobbles(view) * worn),
        (_COBBLES, _CONCRETE, _concrete(view) * worn),
        (_CONCRETE, 2.0, np.array([0.25, 0.225, 0.19], np.float32) * (worn + 0.06 * view.grain(0.14, 6)[..., None])),
    ):
        here = (plot >= low) & (plot < high)
        made = np.where(here[..., None], paving, made)
    step = np.maximum(view.footprint_m, np.float32(0.02))
    edge = np.clip((np.float32(_PATH_M + _EDGE_M) - from_edge) / step + 0.5, 0.0, 1.0)[..., None]
    stone = np.array([0.36, 0.35, 0.33], np.float32) * (1.0 + 0.06 * middle + 0.05 * fine)[..., None]
    made = mixed(made.astype(np.float32), stone, edge)
    path = np.clip((np.float32(_PATH_M) - from_edge) / step + 0.5, 0.0, 1.0)[..., None]
    made = mixed(made, slabs_of(view, coarse, middle, fine), path)
    for x1, y1, x2, y2 in parks:
        beside = np.abs(view.x - np.float32((x1 + x2) / 2)) - np.float32((x2 - x1) / 2 + _PARK_MARGIN_M)
        beyond = np.abs(view.y - np.float32((y1 + y2) / 2)) - np.float32((y2 - y1) / 2 + _PARK_MARGIN_M)
        outside = np.maximum(beside, beyond)
        kerb = np.clip((np.float32(_EDGE_M) - outside) / step + 0.5, 0.0, 1.0)[..., None]
        inside = np.clip(0.5 - outside / step, 0.0, 1.0)[..., None]
        made = mixed(mixed(made, stone, kerb), np.array([0.115, 0.115, 0.118], np.float32) * worn, inside)
    return made


def _concrete(view: View) -> F32:
    """Large plates, their joints filled with tar."""
    wide = np.maximum(view.footprint_m, np.float32(0.05))
    joint = np.zeros_like(view.x)
    for along in (view.x, view.y):
        plate = along / np.float32(4.2)
        into = np.abs(plate - np.round(plate)) * np.float32(4.2)
        joint = np.maximum(joint, np.clip(1.2 - into / wide, 0.0, 1.0) * np.minimum(np.float32(0.05) / wide, 1.0))
    tone = (np.float32(1.0) - np.float32(0.5) * joint)[..., None]
    plates: F32 = np.array([0.215, 0.21, 0.195], np.float32) * tone
    return plates.astype(np.float32)


def _cobbles(view: View) -> F32:
    """Small stones in rows, in two colours, with dark joints; their mean where they are finer than a pixel."""
    size = np.float32(0.42)
    row = np.floor(view.y / size)
    column = np.floor(view.x / size + np.float32(0.5) * (row % 2))
    tone = np.float32(0.85) + np.float32(0.30) * hashed(column.astype(np.int32), row.astype(np.int32))
    into = np.abs(view.y / size - row - np.float32(0.5))
    joint = np.clip((into - np.float32(0.44)) * np.float32(20.0), 0.0, 1.0) * np.float32(0.35)
    fade = np.clip(1.6 - 2.2 * view.footprint_m / size, 0.0, 1.0)
    tone = np.float32(1.0) + fade * (tone * (1.0 - joint) - np.float32(0.96))
    stones: F32 = np.array([0.215, 0.19, 0.17], np.float32) * tone[..., None]
    return stones.astype(np.float32)
