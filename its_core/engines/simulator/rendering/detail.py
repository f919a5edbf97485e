"""How finely each actor is drawn: as finely as its largest size in the picture needs, all through the clip."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.dimensions import HEAVY, VEHICLES
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.trace import Trace

_LEVELS_M = (0.0, 0.015, 0.03, 0.05, 0.08, 0.14)
_TOLERANCE_PX = 0.7  # by which surfaces may move; most move by much less
_PERSON_M = 1.0
_MARGIN = 0.15  # of the picture's size about it, in which an actor's middle counts as in the picture
_NEAREST_M = 1.0
_LENGTHS_M = (0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
_SAGS_M = 0.008  # by which bent surfaces may lie nearer or farther: less than plates stand out from sheets


class Detail(NamedTuple):
    """``tolerance_m``: by how much surfaces may lie beside their places; ``longest_m``: edges, where plates lie close
    before sheets, since the lens bends vertices alone."""

    tolerance_m: float = 0.0
    longest_m: float = math.inf


def details(trace: Trace, camera: Camera) -> list[Detail]:
    """Of each actor of the trace."""
    nearest = _nearest_m(trace, camera)
    allowed = _TOLERANCE_PX * nearest / camera.focal_px
    return [
        Detail(
            max(level for level in _LEVELS_M if level <= most),
            _longest_m(camera, near) if actor.type in HEAVY or actor.emergency else math.inf,
        )
        for actor, most, near in zip(trace.actors, allowed.tolist(), nearest.tolist(), strict=True)
    ]


def _longest_m(camera: Camera, nearest_m: float) -> float:
    """Edges so short that nothing so far away lies more than about ``_SAGS_M`` before or behind its place, but no
    shorter than the first of ``_LENGTHS_M``.

    A lens moves a point at x off the axis and z deep to x (1 + k1 x² / z²), r = x / z. Along an edge of the length L,
    at an angle a to the picture, that has the second derivative 6 k1 r (cos a − r sin a)² / z. The bent edge leaves its
    chord by L² / 8 times as much; in depth, by that times tan a, whose product with cos² a is a half at most. Cars'
    panes and panels are so small, but for those with a livery."""
    k1, k2 = camera.distortion
    radius = camera.bend_edge
    bend = abs(radius * (6.0 * k1 + 20.0 * k2 * radius * radius))
    if bend == 0.0:
        return math.inf
    return max(
        [level for level in _LENGTHS_M if 0.5 * level * level / 8.0 * bend <= _SAGS_M * nearest_m],
        default=_LENGTHS_M[0],
    )


def _nearest_m(trace: Trace, camera: Camera) -> NDArray[np.float64]:
    """How near each actor comes while it is about the picture."""
    frames, count = trace.positions.shape[:2]
    seen = camera.project(trace.positions.reshape(-1, 3)).reshape(frames, count, 3)
    reach = np.array([VEHICLES[actor.type].length_m if actor.type in VEHICLES else _PERSON_M for actor in trace.actors])
    depth = np.maximum(seen[..., 2] - reach, _NEAREST_M)
    aside = (reach * camera.focal_px / depth) + _MARGIN * camera.width_px
    inside = (seen[..., 2] > -reach) & (np.abs(seen[..., 0] - camera.width_px / 2) < camera.width_px / 2 + aside)
    inside &= np.abs(seen[..., 1] - camera.height_px / 2) < camera.height_px / 2 + aside
    inside |= np.abs(seen[..., 2]) < reach  # the projection of what is beside the camera says nothing
    nearest: NDArray[np.float64] = np.where(inside, depth, np.inf).min(axis=0)
    return nearest
