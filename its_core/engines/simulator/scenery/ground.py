"""The ground as a camera sees it: road, kerbs, pavements and grass, evaluated where each pixel's ray lands.

Edges are anti-aliased by how far a signed distance moves from one pixel to the next; grain finer than a pixel fades out
instead of flickering.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.roads.layouts import Disc, Layout, Rect
from its_core.engines.simulator.scenery.below import is_below, lowered, mirrored_light, water_share
from its_core.engines.simulator.scenery.ground_albedo import GroundPainter
from its_core.engines.simulator.scenery.ground_light import light_ground
from its_core.engines.simulator.scenery.light_maps import Plans
from its_core.engines.simulator.scenery.surfaces import View
from its_core.engines.simulator.scenery.wear import wear

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_KERB_HEIGHT_M = 0.13
_FARTHEST_M = 4000.0
_BAND_ROWS, _OVERLAP_ROWS = 64, 2


@dataclass(frozen=True, slots=True)
class Ground:
    """H×W(×3) maps of a fixed view; rows above the horizon hold nothing of use.

    radiance: linear light from the ground with all that stands still; albedo; sun_share: the part of the light that the
    sun adds (0 in shade), which a moving body's shadow takes away; x, y: where the pixel's ray lands (metres);
    land: whether it lands at all; water: 0 dry to 1, a closed sheet of it.
    """

    radiance: F32
    albedo: F32
    sun_share: F32
    x: F32
    y: F32
    land: Bools
    water: F32


@dataclass(frozen=True, slots=True)
class _Spot:
    """N pixels whose ground shows: where they land, how far off the road (metres, negative on it), by how much that
    changes from one pixel to the next, and how much of each is a river's or lake's surface below a bridge."""

    view: View
    off_road: F32
    change: F32
    river: F32


def ground(
    camera: Camera,
    layout: Layout,
    daylight: Daylight,
    plans: Plans,
    white: F32,
    yellow: F32,
    parks: Sequence[Rect] = (),
    hidden: Bools | None = None,
) -> Ground:
    """``white`` and ``yellow`` (H×W): the share of each pixel that paint covers; ``plans``: what is cast from above;
    ``parks``: the car parks beside the road; ``hidden`` (H×W): pixels of which nobody sees the ground, whose light,
    colour, share of sun and water are left at 0."""
    painter = GroundPainter(layout, camera.camera_id, daylight, wear(layout, camera.camera_id), parks)
    height, size = camera.height_px, (camera.height_px, camera.width_px)
    whole = Ground(
        np.empty((*size, 3), np.float32), np.empty((*size, 3), np.float32), np.empty(size, np.float32),
        np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.bool_), np.empty(size, np.float32),
    )  # fmt: skip
    maps = (whole.radiance, whole.albedo, whole.sun_share, whole.x, whole.y, whole.land, whole.water)
    for top in range(0, height, _BAND_ROWS):  # by bands, for the memory's sake; each sees a little of its neighbours
        low = min(top + _BAND_ROWS, height)
        above, below = max(top - _OVERLAP_ROWS, 0), min(low + _OVERLAP_ROWS, height)
        rows = slice(above, below)
        unseen = None if hidden is None else hidden[rows]
        band = _band(camera, layout, daylight, plans, painter, white[rows], yellow[rows], rows, unseen)
        for made, values in zip(maps, band, strict=True):
            made[top:low] = values[top - above : low - above]
    return whole


def _band(
    camera: Camera,
    layout: Layout,
    daylight: Daylight,
    plans: Plans,
    painter: GroundPainter,
    white: F32,
    yellow: F32,
    rows: slice,
    hidden: Bools | None,
) -> tuple[F32, F32, F32, F32, F32, Bools, F32]:
    """``Ground``'s maps of some rows."""
    view, land = _look(camera, rows)
    off_road = road_distance(layout, view.x, view.y)
    change = _change(off_road)
    in_town = layout.pavement_m > 0.0
    kerb_light = _kerb_face(camera, daylight, view, off_road, change) if in_town else np.ones_like(off_road)
    shown = np.flatnonzero(land if hidden is None else land & ~hidden)
    if layout.deck is not None:
        view = lowered(view, camera.position_m, layout.deck, is_below(off_road))
    spot = _spot(layout, view.of(shown), off_road.ravel()[shown], change.ravel()[shown])
    albedo, water = painter.painted(
        spot.view, spot.off_road, spot.change, spot.river, white.ravel()[shown], yellow.ravel()[shown]
    )
    x, y = spot.view.x, spot.view.y
    sun = _sun(layout, plans, spot) if daylight.casts_shadows else np.zeros(x.shape)
    # What lies below a bridge: no shadow and no lamp of the road's reaches down there, its water mirrors the sky.
    below, more = np.zeros(len(x), np.bool_), np.zeros((0, 3))
    if layout.deck is not None:
        below = is_below(spot.off_road)
        wet = np.flatnonzero(spot.river > 0.0)
        more = np.zeros((len(x), 3))
        more[wet] = mirrored_light(spot.view.of(wet), camera.position_m, layout.deck, daylight, spot.river[wet])
    radiance, colour = (np.zeros((land.size, 3), np.float32) for _ in range(2))
    share, wetness = (np.zeros(land.size, np.float32) for _ in range(2))
    wetness[shown] = water
    sky, lamps = plans.sky_at(x, y), plans.lamps_at(x, y)
    light_ground(
        shown, albedo, sky, lamps, sun, kerb_light.ravel()[shown], below, more, spot.view.distance,
        daylight.ambient(np.ones(1, np.float32))[0], np.array(plans.lamp_rgb), np.array(daylight.sun_rgb),
        max(daylight.sun[2], 0.0), daylight.haze_m, np.array(daylight.horizon) * 0.92, radiance, colour, share,
    )  # fmt: skip
    return (
        radiance.reshape(*land.shape, 3), colour.reshape(*land.shape, 3), share.reshape(land.shape), view.x, view.y,
        land, wetness.reshape(land.shape),
    )  # fmt: skip


def _spot(layout: Layout, view: View, off_road: F32, change: F32) -> _Spot:
    river = np.zeros_like(off_road)
    if layout.deck is not None:
        below = np.flatnonzero(is_below(off_road))
        river[below] = water_share(view.of(below), layout.deck)
    return _Spot(view, off_road, change, river)


def _sun(layout: Layout, plans: Plans, spot: _Spot) -> Floats:
    """The share of the sun at each pixel; a bridge shades the land below it."""
    x, y = spot.view.x, spot.view.y
    if layout.deck is None:
        return plans.sun_at(x, y)
    below = is_below(spot.off_road)
    depth = np.where(below, np.float32(layout.deck.drop_m), np.float32(0.0))
    x = (x + np.float32(plans.sun_slope[0]) * depth).astype(np.float32)
    y = (y + np.float32(plans.sun_slope[1]) * depth).astype(np.float32)
    under_deck = below & ~is_below(road_distance(layout, x, y))
    lit: Floats = np.where(under_deck, 0.0, plans.sun_at(x, y))
    return lit


def _look(camera: Camera, part: slice) -> tuple[View, Bools]:
    rays = camera.pixel_rays(part.start, part.stop)
    size = rays.shape[:2]
    view = View(*(np.empty(size, np.float32) for _ in range(4)))
    land = np.empty(size, np.bool_)
    _land(
        rays, np.array(camera.position_m, np.float32), np.float32(camera.focal_px), view.x, view.y, view.distance,
        view.footprint_m, land,
    )  # fmt: skip
    return view, land


@kernel
def _land(rays: F32, eye: F32, focal: Any, x: F32, y: F32, distance: F32, footprint_m: F32, land: Bools) -> None:
    """Where rays one metre deep land, as in ``View``, and whether they do before ``_FARTHEST_M``."""
    least, steepest, longest = eye[2] / np.float32(_FARTHEST_M), np.float32(1e-4), np.float32(60.0)
    for row in range(rays.shape[0]):
        for column in range(rays.shape[1]):
            dx, dy, dz = rays[row, column]
            reach, length = eye[2] / max(-dz, least), np.sqrt(dx * dx + dy * dy + dz * dz)
            across = reach * length / focal
            along = across * length / max(-dz, steepest)
            x[row, column], y[row, column] = eye[0] + reach * dx, eye[1] + reach * dy
            distance[row, column] = reach * length
            footprint_m[row, column] = np.sqrt(across * min(along, longest))
            land[row, column] = -dz > least


@kernel
def _change(off_road: F32) -> F32:
    """By how much a map changes from one pixel to the next, at least a little."""
    height, width = off_road.shape
    change = np.empty_like(off_road)
    for row in range(height):
        above, below = max(row - 1, 0), min(row + 1, height - 1)
        for column in range(width):
            left, right = max(column - 1, 0), min(column + 1, width - 1)
            down = (off_road[below, column] - off_road[above, column]) / np.float32(below - above)
            along = (off_road[row, right] - off_road[row, left]) / np.float32(right - left)
            change[row, column] = max(np.sqrt(down * down + along * along), np.float32(1e-4))
    return change


def road_distance(layout: Layout, x: F32, y: F32) -> F32:
    """Signed distance from the road's edge, negative on it; corners between crossing carriageways are rounded."""
    radius = np.float32(max(layout.corner_radius_m, 1e-3))
    total: F32 | None = None
    for here in _parts(layout, x, y):
        if total is None:
            total = here
            continue
        inner = pm.hypot(np.maximum(radius - total, 0.0), np.maximum(radius - here, 0.0))
        total = np.where(
            np.minimum(total, here) < radius,
            np.maximum(radius, np.minimum(total, here)) - inner,
            np.minimum(total, here),
        ).astype(np.float32)
        total = np.where(np.minimum(total, here) <= -1e3, np.minimum(total, here), total)
    assert total is not None
    for island in layout.islands:
        total = np.maximum(total, -_from_disc(island, x, y))
    return total


def _parts(layout: Layout, x: F32, y: F32) -> Iterator[F32]:
    """Signed distances from the edges of each part of the road."""
    for rect in layout.carriageways:
        yield _outside(rect, x, y)
    for disc in layout.discs:
        yield _from_disc(disc, x, y)
    for winding in layout.windings:
        yield (np.abs(winding.aside_m(x, y)) - winding.half_m).astype(np.float32)


def _from_disc(disc: Disc, x: F32, y: F32) -> F32:
    away: F32 = pm.hypot(x - np.float32(disc.centre[0]), y - np.float32(disc.centre[1])) - np.float32(disc.radius_m)
    return away


def _outside(rect: Rect, x: F32, y: F32) -> F32:
    x1, y1, x2, y2 = (_endless(value) for value in rect)
    beside = np.abs(x - np.float32((x1 + x2) / 2)) - np.float32((x2 - x1) / 2)
    beyond = np.abs(y - np.float32((y1 + y2) / 2)) - np.float32((y2 - y1) / 2)
    outer = pm.hypot(np.maximum(beside, 0.0), np.maximum(beyond, 0.0))
    signed: F32 = (outer + np.minimum(np.maximum(beside, beyond), 0.0)).astype(np.float32)
    return signed


def _endless(value: float) -> float:
    """A road that runs to the end of the model runs on."""
    return value if abs(value) < 150.0 else np.sign(value) * 2e4


def _kerb_face(camera: Camera, daylight: Daylight, view: View, off_road: F32, change: F32) -> F32:
    """Kerbs stand up a little: where one faces the camera, a thin band of it shows its own slope to the sun."""
    columns = camera.width_px
    light = np.ones(off_road.size, np.float32)
    near = np.flatnonzero(np.abs(off_road[:-1]) < 0.8)
    near = near[near % columns < columns - 1]

    def steps(plane: F32) -> tuple[F32, F32]:
        flat = plane.reshape(-1)
        here = flat[near]
        return flat[near + columns] - here, flat[near + 1] - here

    (down, right), (x_down, x_right), (y_down, y_right) = steps(off_road), steps(view.x), steps(view.y)
    area = x_right * y_down - x_down * y_right
    area = np.where(np.abs(area) < 1e-9, np.float32(1e-9), area)
    outward_x = (right * y_down - down * y_right) / area
    outward_y = (down * x_right - right * x_down) / area
    eye_x = np.float32(camera.position_m[0]) - view.x.reshape(-1)[near]
    eye_y = np.float32(camera.position_m[1]) - view.y.reshape(-1)[near]
    towards = -(outward_x * eye_x + outward_y * eye_y)  # how far the face looks to the eye, in metres
    band = np.maximum(towards, 0.0) * np.float32(_KERB_HEIGHT_M / camera.position_m[2])
    off, step = off_road.reshape(-1)[near], change.reshape(-1)[near]
    covered = np.clip(0.5 - (off - band) / step, 0.0, 1.0) * np.clip(0.5 + off / step, 0.0, 1.0)
    sun = daylight.sun
    facing = -(outward_x * np.float32(sun[0]) + outward_y * np.float32(sun[1])) / np.float32(max(sun[2], 0.2))
    slope = np.clip(facing, 0.0, 1.3) if daylight.casts_shadows else np.float32(0.75)
    light[near] = np.nan_to_num(1.0 + covered * (slope - 1.0), nan=1.0)
    return light.reshape(off_road.shape)
