"""How finely each actor is drawn: as finely as its largest size in the picture needs, all through the clip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.trace import Trace

_LEVELS_M = (0.0, 0.015, 0.03, 0.05, 0.08, 0.14)
_TOLERANCE_PX = 0.7  # by which surfaces may move; most move by much less
_PERSON_M = 1.0
_MARGIN = 0.15  # of the picture's size about it, in which an actor's middle counts as in the picture
_NEAREST_M = 1.0


def tolerances_m(trace: Trace, camera: Camera) -> list[float]:
    """Of each actor of the trace, by how many metres its surfaces may lie beside their places."""
    frames, count = trace.positions.shape[:2]
    seen = camera.project(trace.positions.reshape(-1, 3)).reshape(frames, count, 3)
    reach = np.array([VEHICLES[actor.type].length_m if actor.type in VEHICLES else _PERSON_M for actor in trace.actors])
    depth = np.maximum(seen[..., 2] - reach, _NEAREST_M)
    aside = (reach * camera.focal_px / depth) + _MARGIN * camera.width_px
    inside = (seen[..., 2] > -reach) & (np.abs(seen[..., 0] - camera.width_px / 2) < camera.width_px / 2 + aside)
    inside &= np.abs(seen[..., 1] - camera.height_px / 2) < camera.height_px / 2 + aside
    inside |= np.abs(seen[..., 2]) < reach  # the projection of what is beside the camera says nothing
    nearest: NDArray[np.float64] = np.where(inside, depth, np.inf).min(axis=0)
    allowed = _TOLERANCE_PX * nearest / camera.focal_px
    return [max(level for level in _LEVELS_M if level <= most) for most in allowed.tolist()]
