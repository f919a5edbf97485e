"""The light of walls: every point of a facade computed where a ray meets it, with windows set back into the wall.

What makes a flat wall a house is evaluated a sample at a time, compiled: storeys, bays, reveals that show depth as the
view slants, shop fronts, blinds, ledges, stains. Where rounding decides (which brick, which bay), 32 bits decide.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.meshes.noise import finished_hash, hash_step, hashed, noise_at, pattern, single, tile_of
from its_core.engines.simulator.optics.daylight import Daylight, SkyTones, sky_at
from its_core.engines.simulator.optics.shading import plan_at
from its_core.engines.simulator.portable_math import sin_scalar
from its_core.engines.simulator.roads.layouts import Rect
from its_core.engines.simulator.scenery.facades import SHOP_M, SIGN_M, Walls

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
RGB = tuple[float, float, float]
Opening = tuple[Any, Any, Any, Any]  # left, right, sill and head, from the bay's left edge and storey's floor


_SHOP_M, _SIGN_LOW_M, _SIGN_HIGH_M = single(SHOP_M), single(SIGN_M[0]), single(SIGN_M[1])
_BRICK, _PANELS, _SHEET = 1, 2, 3
_COURSE_M, _BRICK_M, _RIBS_PER_M = single(0.075), single(0.23), single(2.0 * np.pi / 0.33)  # ribs: radians
_TENANT_M, _STROKE_M, _LINE_M = single(7.5), single(0.21), single(0.14)
_HALF, _TWO, _NONE = single(0.5), single(2.0), single(0.0)
_GRAZING = single(-1e-4)
_BLOTCHES, _STAINS, _STAINS_LONGER = pattern(3.5, 1), pattern(0.9, 2), single(0.22)
_TENANTS = np.array(
    [
        (0.32, 0.03, 0.03), (0.02, 0.07, 0.20), (0.03, 0.14, 0.07), (0.45, 0.30, 0.04), (0.03, 0.03, 0.03),
        (0.50, 0.48, 0.42), (0.20, 0.05, 0.14), (0.40, 0.16, 0.03),
    ],
    np.float32,
)  # fmt: skip
# A wall as compiled code reads it. ``window`` and ``shop``: an opening of an ordinary storey and of a shop's;
# ``attic``: the height from which there are none; ``base``: where storeys begin; ``sun``: the share of sunlight it
# gets.
_WALL = np.dtype(
    [(name, np.float32) for name in (
        "corner_x", "corner_y", "along_x", "along_y", "outward_x", "outward_y", "attic", "base", "bay", "storey",
        "recess", "window_left", "window_right", "window_sill", "window_head", "shop_left", "shop_right", "shop_sill",
        "shop_head", "red", "green", "blue", "tone_red", "tone_green", "tone_blue", "trim_red", "trim_green",
        "trim_blue", "offset", "sun",
    )] + [("has_shops", np.bool_), ("has_ledge", np.bool_), ("masonry", np.int32), ("seed", np.int32)]
)  # fmt: skip


class StreetLight(Protocol):
    """How street lamps light the ground: radiance of a white one over ``rect`` (2×2 where they are out), in their
    colour."""

    @property
    def lamps(self) -> F32: ...
    @property
    def rect(self) -> Rect: ...
    @property
    def lamp_rgb(self) -> RGB: ...


class FacadePainter:
    """Lights samples on walls under one sky, seen from ``eye``. ``shade`` (of each wall): the share of sunlight that is
    left by what stands before it; ``street``: how street lamps light the ground."""

    def __init__(
        self, walls: Walls, daylight: Daylight, eye: tuple[float, float, float], shade: F32, street: StreetLight
    ) -> None:
        self._table, self._eye = _table(walls, daylight, shade), np.array(eye, np.float32)
        self._sky, self._lit, self._street = daylight.tones, daylight.lit, street
        self._ambient = daylight.ambient(np.zeros(1, np.float32))[0]
        self._sun_rgb = daylight.sun_rgb

    def paint(self, wall: Ints, rays: F32, radiance: F32) -> None:
        """Writes what is seen along unit rays (K×3) that meet the walls of those numbers to ``radiance`` (K×3); below
        0: no wall, nothing is written."""
        street = self._street
        _paint(
            wall, rays, self._eye, self._table, self._sky, self._lit, self._ambient, self._sun_rgb, tile_of(1),
            tile_of(2), street.lamps, np.array(street.rect), street.lamp_rgb, radiance,
        )  # fmt: skip


def _table(walls: Walls, daylight: Daylight, shade: F32) -> NDArray[np.void]:
    styles, seed = walls.styles, walls.seed
    table = np.zeros(len(seed), _WALL)
    bays = np.maximum(np.round(walls.length / walls.pick([style.bay_m for style in styles])), 1.0)
    bay: F32 = (walls.length / bays).astype(np.float32)
    storey = walls.pick([style.storey_m for style in styles])
    shops = walls.pick([float(style.shops) for style in styles]) > 0.5
    facing = np.clip(walls.outward[:, 0] * daylight.sun_vector[0] + walls.outward[:, 1] * daylight.sun_vector[1], 0, 1)
    table["corner_x"], table["corner_y"] = walls.corner.T
    table["along_x"], table["along_y"] = walls.along.T
    table["outward_x"], table["outward_y"] = walls.outward.T
    table["attic"], table["base"] = walls.height - np.float32(0.75), np.where(shops, _SHOP_M, _HALF)
    table["bay"], table["storey"] = bay, storey
    table["recess"] = walls.pick([style.recess_m for style in styles])
    _set_openings(table, *(walls.pick([style.window[k] for style in styles]) for k in range(3)))
    drawn = hashed(seed, np.full_like(seed, 5)) - _HALF
    for channel, (colour, spread) in enumerate((("red", 1.6), ("green", 1.0), ("blue", 0.6))):
        table[colour] = walls.pick([style.wall[channel] for style in styles])
        table[f"tone_{colour}"] = 1.0 + 0.10 * drawn * np.float32(spread)
        table[f"trim_{colour}"] = walls.pick([style.trim[channel] for style in styles])
    table["offset"], table["sun"] = seed.astype(np.float32) * np.float32(3.7), facing * shade
    table["has_shops"], table["seed"] = shops, seed
    table["has_ledge"] = walls.pick([float(style.ledge) for style in styles]) > 0.5
    table["masonry"] = walls.pick([float(style.masonry) for style in styles])
    return table


def _set_openings(table: NDArray[np.void], wide: F32, tall: F32, sill: F32) -> None:
    """``wide``, ``tall``, ``sill``: shares of bay and storey."""
    bay, storey = table["bay"], table["storey"]
    table["window_left"], table["window_right"] = (bay - wide * bay) / 2, (bay + wide * bay) / 2
    table["window_sill"], table["window_head"] = sill * storey, sill * storey + tall * storey
    table["shop_left"], table["shop_right"] = 0.06 * bay, 0.94 * bay
    # A storey of shops lies below the base, so local heights there count from one storey further down.
    shop_sill = 0.45 - SHOP_M + storey
    table["shop_sill"] = np.where(storey < SHOP_M, np.maximum(shop_sill, 0.0), shop_sill)
    table["shop_head"] = SIGN_M[0] - 0.1 - SHOP_M + storey


@kernel
def _paint(
    wall: Ints, rays: F32, eye: F32, table: NDArray[np.void], sky: SkyTones, lit: bool, ambient: F32, sun_rgb: RGB,
    blotches: F32, stains: F32, lamps: F32, lamp_rect: Floats, lamp_rgb: RGB, radiance: F32,
) -> None:  # fmt: skip
    for i in range(len(wall)):
        if wall[i] < 0:
            continue
        house = table[wall[i]]
        dx, dy, dz = rays[i, 0], rays[i, 1], rays[i, 2]
        inwards = min(dx * house.outward_x + dy * house.outward_y, _GRAZING)
        to_x, to_y = house.corner_x - eye[0], house.corner_y - eye[1]
        distance = (to_x * house.outward_x + to_y * house.outward_y) / inwards
        x, y, z = eye[0] + distance * dx, eye[1] + distance * dy, eye[2] + distance * dz
        u = (x - house.corner_x) * house.along_x + (y - house.corner_y) * house.along_y
        street = house.has_shops and z < _SHOP_M
        storey, bay = np.floor((z - house.base) / house.storey), np.floor(u / house.bay)
        across, up = u - bay * house.bay, z - house.base - storey * house.storey
        opening = _opening(house, street, z)
        # Where on the pane's plane the ray ends.
        in_across = across + (dx * house.along_x + dy * house.along_y) / -inwards * house.recess
        in_up = up + dz / -inwards * house.recess
        is_open = _is_within(across, up, opening)
        glass, glow = 0.0, (0.0, 0.0, 0.0)
        if is_open and _is_within(in_across, in_up, opening):
            albedo, glow, glass = _pane(in_across, in_up, opening, int(bay), int(storey), house.seed, street, lit)
        else:
            grain = min(max(1.0 - distance / 75.0, 0.0), 1.0)  # fine masonry fades with distance
            albedo = _masonry(house, u, z, across, up, opening, grain, blotches, stains)
            if is_open:  # on a reveal
                albedo = (0.55 * albedo[0], 0.55 * albedo[1], 0.55 * albedo[2])
            if street and z > _SIGN_LOW_M and z < _SIGN_HIGH_M:
                albedo = _shop_sign(albedo, u, z, house.seed)
        near_ground, near = 0.62 + 0.38 * min(max(z / 3.0, 0.0), 1.0), 0.0
        if lit and lamps.shape[0] > 2:
            near = plan_at(lamps, lamp_rect, x + 1.5 * house.outward_x, y + 1.5 * house.outward_y)
            near *= 0.8 * min(max(1.5 - z / 8.0, 0.0), 1.0)
        mirrored, fresnel = (0.0, 0.0, 0.0), 0.0
        if glass > 0.0:
            mirrored = _mirrored(dx, dy, dz, house, sky, ambient)
            slant = 1.0 - min(-inwards, 1.0)
            fresnel = glass * (0.08 + 0.92 * slant * slant * slant * slant * slant)
        for channel in range(3):
            light = near_ground * ambient[channel] + near * lamp_rgb[channel]
            light += house.sun * sun_rgb[channel] * (1.0 - glass)
            value = albedo[channel] * light
            radiance[i, channel] = value + fresnel * (mirrored[channel] - value) + glow[channel]


@inline
def _opening(house: Any, street: bool, z: float) -> Opening:
    """The opening in the sample's own bay and storey; none below the ceiling and below the lowest storey."""
    if z > house.attic or (z < house.base and not street):
        return _NONE, _NONE, _NONE, _NONE
    if street:
        return house.shop_left, house.shop_right, house.shop_sill, house.shop_head
    return house.window_left, house.window_right, house.window_sill, house.window_head


@inline
def _is_within(across: float, up: float, opening: Opening) -> bool:
    left, right, sill, head = opening
    return bool(left < across < right and sill < up < head)


@inline
def _mirrored(dx: float, dy: float, dz: float, house: Any, sky: SkyTones, ambient: F32) -> RGB:
    """What a window pane reflects: the sky, and dim houses opposite."""
    turn = 2.0 * (dx * house.outward_x + dy * house.outward_y)
    red, green, blue = sky_at(dx - turn * house.outward_x, dy - turn * house.outward_y, dz, sky)
    low = min(max((0.22 - dz) * 6.0, 0.0), 1.0)
    return (
        red + low * (0.25 * ambient[0] - red),
        green + low * (0.25 * ambient[1] - green),
        blue + low * (0.25 * ambient[2] - blue),
    )


@inline
def _masonry(
    house: Any, u: Any, z: Any, across: Any, up: Any, opening: Opening, grain: float, blotches: F32,
    stains: F32,
) -> RGB:  # fmt: skip
    """Albedo of the wall itself: courses or panels, stains below sills, ledges at storeys."""
    if z < 0.55 and house.masonry != _SHEET:  # the plinth
        return 0.6 * house.trim_red, 0.6 * house.trim_green, 0.6 * house.trim_blue
    along = u + house.offset
    blotch = 1.0 + 0.055 * noise_at(along, z, *_BLOTCHES, blotches, True)
    blotch += 0.045 * noise_at(along, z * _STAINS_LONGER, *_STAINS, stains, False)
    left, right, sill, head = opening
    under = left - 0.1 < across and across < right + 0.1
    is_sill = abs(up - sill + 0.05) < 0.06
    is_head = abs(up - head - 0.10) < 0.10 and house.masonry != _PANELS
    shade = 1.0 - 0.30 * min(max(0.35 - z, 0.0), 0.35)
    if under and up < sill - 0.1:
        shade -= 0.10
    if house.has_ledge and up > house.storey - 0.16:
        shade -= 0.38
    if (under and (is_sill or is_head) and head > sill) or (house.has_ledge and up < 0.20):
        tone = blotch * shade
        return house.trim_red * tone, house.trim_green * tone, house.trim_blue * tone
    tone = (blotch + _pattern(house, u, z, grain)) * shade
    if house.masonry == _PANELS and (abs(up) < 0.03 or abs(across) < 0.02):
        tone *= 0.65
    return house.red * house.tone_red * tone, house.green * house.tone_green * tone, house.blue * house.tone_blue * tone


@inline
def _pattern(house: Any, u: Any, z: Any, grain: float) -> float:
    """Bricks and their joints, or the ribs of sheet metal."""
    if house.masonry == _BRICK:
        course = np.floor(z / _COURSE_M)
        column = np.floor(u / _BRICK_M + _HALF * (course % _TWO))
        brick = finished_hash(hash_step(hash_step(np.uint32(0), int(course)), int(column))) - _HALF
        joint = 0.22 if z / _COURSE_M - course < 0.14 else 0.0
        return float(grain * (0.34 * brick + joint))
    if house.masonry == _SHEET:
        return 0.16 * sin_scalar(u * _RIBS_PER_M) * grain
    return 0.0


@inline
def _pane(
    across: Any, up: Any, opening: Opening, bay: int, storey: int, seed: int, street: bool, lit: bool
) -> tuple[RGB, RGB, float]:
    """What fills an opening: frame, blind, dark room; its light after sunset; the share that mirrors."""
    left, right, sill, head = opening
    wide, tall = right - left, head - sill
    aside, above = (across - left) / max(wide, 0.05), (up - sill) / max(tall, 0.05)
    chance = finished_hash(hash_step(hash_step(hash_step(np.uint32(0), bay), storey), seed))
    other = finished_hash(hash_step(hash_step(hash_step(np.uint32(0), storey), bay), seed + 11))
    lights = 4.0 if street else 2.0
    off_bar = abs(aside * lights - np.rint(aside * lights)) / lights * wide
    if off_bar < 0.035 or (abs(above - 0.5) < 0.5 and min(above, 1.0 - above) * tall < 0.06):
        frame = 0.25 + (0.35 if chance > 0.4 else 0.0)
        return (frame, frame, frame), (0.0, 0.0, 0.0), 0.0
    blind = not street and above > 1.0 - 0.9 * max(chance - 0.45, 0.0) / 0.55
    curtain = not street and not blind and abs(aside - 0.5) > 0.5 - (0.22 if other > 0.6 else 0.0)
    glow = 0.0
    if lit and other < (0.85 if street else 0.34):
        glow = (0.35 + 0.9 * chance) * (0.55 + 0.45 * above) * (0.55 if blind else 1.0) * (1.3 if street else 0.8)
    shining = (0.50 * glow, 0.34 * glow, 0.17 * glow)
    if blind or curtain:
        cloth = 0.7 + 0.5 * other
        return (0.42 * cloth, 0.40 * cloth, 0.35 * cloth), shining, 0.55 if blind else 1.0
    room = 0.6 + other
    if street:
        room *= 3.0 if above < 0.4 else 1.4
    return (0.020 * room, 0.022 * room, 0.025 * room), shining, 1.0


@inline
def _shop_sign(albedo: RGB, u: Any, z: Any, seed: int) -> RGB:
    """Fascias over the shops, some lettering, and pilasters between tenants, at the fascias' height."""
    tenant = int(np.floor(u / _TENANT_M))
    aside = abs(u / _TENANT_M - tenant - 0.5)
    if aside >= 0.47:
        return albedo
    of_tenant = hash_step(np.uint32(0), tenant)
    painted = _TENANTS[int(finished_hash(hash_step(of_tenant, seed)) * len(_TENANTS))]
    if aside < 0.10 + 0.22 * finished_hash(hash_step(of_tenant, seed + 3)) and abs(z - 3.4) < 0.17:
        at = hash_step(hash_step(np.uint32(0), int(np.floor(u / _STROKE_M))), int(np.floor(z / _LINE_M)))
        if finished_hash(hash_step(at, seed)) > 0.42:
            ink = 0.03 if painted[0] + painted[1] + painted[2] > 0.7 else 0.62
            return ink, ink, ink
    return float(painted[0]), float(painted[1]), float(painted[2])
