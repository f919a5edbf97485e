"""The ground as a camera sees it: road, kerbs, pavements and grass, evaluated where each pixel's ray lands.

Edges are anti-aliased by how far a signed distance moves from one pixel to the next; grain finer than a pixel fades out
instead of flickering.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.noise import noise
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.layouts import Disc, Layout, Rect
from its_core.engines.simulator.scenery.below import is_below, joints, lowered, mirrored_light, valley, water_share
from its_core.engines.simulator.scenery.ground_cover import SNOW_RGB, WET_DARKENS, puddles, snow_cover
from its_core.engines.simulator.scenery.ground_light import light_ground
from its_core.engines.simulator.scenery.light_maps import Plans
from its_core.engines.simulator.scenery.surfaces import View, mixed, slabs_of, town_ground
from its_core.engines.simulator.scenery.wear import Wear, wear

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]

_KERB_M = 0.16
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
    land: NDArray[np.bool_]
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
    hidden: NDArray[np.bool_] | None = None,
) -> Ground:
    """``white`` and ``yellow`` (H×W): the share of each pixel that paint covers; ``plans``: what is cast from above;
    ``parks``: the car parks beside the road; ``hidden`` (H×W): pixels of which nobody sees the ground, whose light,
    colour, share of sun and water are left at 0."""
    worn = wear(layout, camera.camera_id)
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
        band = _band(camera, layout, daylight, plans, worn, white[rows], yellow[rows], rows, parks, unseen)
        for made, values in zip(maps, band, strict=True):
            made[top:low] = values[top - above : low - above]
    return whole


def _band(
    camera: Camera,
    layout: Layout,
    daylight: Daylight,
    plans: Plans,
    worn: Wear,
    white: F32,
    yellow: F32,
    rows: slice,
    parks: Sequence[Rect],
    hidden: NDArray[np.bool_] | None,
) -> tuple[F32, F32, F32, F32, F32, NDArray[np.bool_], F32]:
    """``Ground``'s maps of some rows."""
    view, land = _look(camera, rows)
    off_road = road_distance(layout, view.x, view.y)
    down, right = np.gradient(off_road)
    change = np.maximum(pm.hypot(down, right), 1e-4)
    in_town = layout.pavement_m > 0.0
    kerb_light = _kerb_face(camera, daylight, view, off_road, change) if in_town else np.ones_like(off_road)
    shown = np.flatnonzero(land if hidden is None else land & ~hidden)
    if layout.deck is not None:
        view = lowered(view, camera.position_m, layout.deck, is_below(off_road))
    spot = _spot(layout, view.of(shown), off_road.ravel()[shown], change.ravel()[shown])
    albedo, water = _surfaces(
        camera, layout, daylight, spot, worn, white.ravel()[shown], yellow.ravel()[shown], parks
    )  # fmt: skip
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


def _look(camera: Camera, part: slice) -> tuple[View, NDArray[np.bool_]]:
    rays = camera.pixel_rays(part.start, part.stop)
    height = np.float32(camera.position_m[2])
    fall = -rays[..., 2]
    land = fall > height / np.float32(_FARTHEST_M)
    reach = height / np.maximum(fall, height / np.float32(_FARTHEST_M))
    length = np.sqrt(pm.dot(rays, rays))
    across = reach * length / np.float32(camera.focal_px)
    along = across * length / np.maximum(fall, 1e-4)
    x = (np.float32(camera.position_m[0]) + reach * rays[..., 0]).astype(np.float32)
    y = (np.float32(camera.position_m[1]) + reach * rays[..., 1]).astype(np.float32)
    return View(x, y, reach * length, np.sqrt(across * np.minimum(along, 60.0))), land


def _surfaces(
    camera: Camera,
    layout: Layout,
    daylight: Daylight,
    spot: _Spot,
    worn: Wear,
    white: F32,
    yellow: F32,
    parks: Sequence[Rect],
) -> tuple[F32, F32]:
    """Albedo N×3 of N pixels, and how wet each is."""
    rng = rng_of("ground", layout.name.value, camera.camera_id)
    view, off_road, pavement_m = spot.view, spot.off_road, layout.pavement_m
    grain = view.grain(9.0, 1), view.grain(1.7, 2), view.grain(0.35, 3)
    coarse, middle, fine = grain
    on_road = np.clip(0.5 - off_road / spot.change, 0.0, 1.0)
    paved = np.clip(0.5 - (off_road - np.float32(pavement_m)) / spot.change, 0.0, 1.0) if pavement_m > 0.0 else on_road
    albedo = np.zeros((len(off_road), 3), np.float32)

    def laid(share: F32, chosen: NDArray[np.intp], colour: F32) -> None:
        albedo[chosen] += share[chosen][..., None] * (colour - albedo[chosen])

    def grain_of(chosen: NDArray[np.intp]) -> tuple[F32, F32, F32]:
        return coarse[chosen], middle[chosen], fine[chosen]

    # Each surface is painted only where it shows.
    beside = np.flatnonzero(paved < 1.0)
    albedo[beside] = _verge(layout, view.of(beside), off_road[beside], grain_of(beside), parks, spot.river[beside])
    if pavement_m > 0.0:
        walked = np.flatnonzero((paved > 0.0) & (on_road < 1.0))
        laid(paved, walked, slabs_of(view.of(walked), *grain_of(walked)))
        kerb = np.clip(0.5 - (off_road - np.float32(_KERB_M)) / spot.change, 0.0, 1.0)
        edge = np.flatnonzero((kerb > 0.0) & (on_road < 1.0))
        stone = np.float32(0.40) * (1.0 + 0.06 * middle[edge] + 0.05 * fine[edge])
        laid(kerb, edge, stone[..., None])
    driven = np.flatnonzero(on_road > 0.0)
    asphalt = _asphalt(worn, view.of(driven), off_road[driven], grain_of(driven), rng)
    if layout.deck is not None:
        asphalt *= joints(view.of(driven), layout.deck)[..., None]
    laid(on_road, driven, asphalt)
    painted = np.flatnonzero((white > 0.0) | (yellow > 0.0))
    albedo[painted] = _painted(
        albedo[painted], view.of(painted), white[painted], yellow[painted], middle[painted], fine[painted]
    )  # fmt: skip
    water = np.zeros_like(off_road)
    if daylight.wet > 0.0:
        water = puddles(view.x, view.y, off_road)
        sealed = np.clip(1.0 - (off_road - np.float32(pavement_m)) / np.float32(0.5), 0.0, 1.0)
        wet = np.float32(daylight.wet) * sealed
        albedo *= (1.0 - np.float32(WET_DARKENS) * wet * (0.75 + 0.4 * water))[..., None]
        water = wet * (0.40 + 0.60 * water)
    if daylight.snow > 0.0:
        cover = snow_cover(layout, view.x, view.y, off_road, daylight.snow) * (1.0 - spot.river)
        tone = (1.0 + 0.05 * coarse + 0.05 * middle + 0.04 * fine)[..., None]
        albedo += cover[..., None] * (np.array(SNOW_RGB, np.float32) * tone - albedo)
        water *= 1.0 - cover
    return albedo.astype(np.float32), water.astype(np.float32)


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


def _asphalt(worn: Wear, view: View, off_road: F32, grain: tuple[F32, F32, F32], rng: np.random.Generator) -> F32:
    base = float(rng.uniform(0.085, 0.135))
    tint = np.array([1.0, 1.0, 1.0], np.float32) + float(rng.uniform(-0.03, 0.03)) * np.array(
        [1.0, 0.0, -1.0], np.float32
    )
    coarse, middle, fine = grain
    sparkle = view.grain(0.09, 4)
    tone = 1.0 + 0.055 * coarse + 0.05 * middle + 0.055 * fine + 0.10 * sparkle
    tone *= worn.at(view.x, view.y, view.footprint_m)
    gutter = np.clip(1.0 + off_road / np.float32(0.55), 0.0, 1.0)
    tone *= 1.0 - 0.22 * gutter * (0.8 + 0.3 * middle)
    asphalt: F32 = np.float32(base) * np.maximum(tone, 0.3)[..., None] * tint
    return asphalt.astype(np.float32)


def _painted(road: F32, view: View, white: F32, yellow: F32, middle: F32, fine: F32) -> F32:
    """Paint over asphalt, worn thin in places."""
    chips = np.clip(0.86 + 0.10 * middle + 0.16 * fine + 0.12 * view.grain(0.12, 5), 0.25, 1.0)
    for coverage, colour in ((white, (0.56, 0.56, 0.54)), (yellow, (0.50, 0.31, 0.045))):
        road = road + (coverage * chips)[..., None] * (np.array(colour, np.float32) - road)
    return road


def _verge(
    layout: Layout, view: View, off_road: F32, grain: tuple[F32, F32, F32], parks: Sequence[Rect], river: F32
) -> F32:
    """Grass, worn patches of earth in it, gravel next to a road without pavement; the concrete of a deck's edge."""
    coarse, middle, fine = grain
    blades = view.grain(0.14, 6)
    large = noise(view.x, view.y, 28.0, 7)
    dry = np.clip(0.5 + 0.35 * large + 0.22 * coarse, 0.0, 1.0)[..., None]
    lush, straw = np.array([0.052, 0.085, 0.022], np.float32), np.array([0.135, 0.125, 0.052], np.float32)
    earth = np.array([0.15, 0.115, 0.08], np.float32)
    tone = np.maximum(1.0 + 0.16 * middle + 0.17 * fine + 0.22 * blades, 0.35)[..., None]
    grass = (lush + dry * (straw - lush)) * tone
    bare = np.clip(-1.1 + 0.8 * coarse + 0.5 * middle, 0.0, 0.7)[..., None]
    grass = grass + bare * (earth * tone - grass)
    if layout.deck is not None:
        concrete = np.float32(0.30) * (1.0 + 0.06 * middle + 0.06 * fine)[..., None]
        return np.where(is_below(off_road)[..., None], valley(view, grass, river), concrete).astype(np.float32)
    if layout.pavement_m == 0.0:
        gravel = np.clip(1.4 - off_road / 1.2 + 0.25 * middle, 0.0, 1.0)[..., None]
        stones = np.array([0.23, 0.22, 0.20], np.float32) * np.maximum(1.0 + 0.12 * fine + 0.2 * blades, 0.5)[..., None]
        return mixed(grass, stones, gravel)
    return town_ground(view, grass, grain, parks)


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
