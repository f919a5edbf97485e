"""Walls: every point of a facade computed where a ray meets it, with windows set back into the wall.

A wall is a flat rectangle; what makes it a house is evaluated a sample at a time: storeys, bays, reveals that show
depth as the view slants, shop fronts, blinds, ledges, stains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.noise import hashed, noise
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.roads.layouts import Building

F32 = NDArray[np.float32]
Ints = NDArray[np.int32]
RGB = tuple[float, float, float]

_SHOP_M = 4.0  # height of a ground floor with shops
_SIGN_M = (3.05, 3.75)


@dataclass(frozen=True, slots=True)
class Style:
    """``bay_m`` and ``storey_m`` are the grid of the windows; ``window`` their share of bay and storey and the height
    of the sill as a share; ``recess_m`` how deep they sit; ``masonry`` 0 plaster, 1 brick, 2 panels, 3 sheet metal."""

    wall: RGB
    trim: RGB
    bay_m: float
    storey_m: float
    window: tuple[float, float, float]
    recess_m: float
    masonry: int
    shops: bool
    ledge: bool


STYLES = (
    Style((0.26, 0.125, 0.085), (0.42, 0.39, 0.34), 2.7, 3.2, (0.44, 0.56, 0.24), 0.16, 1, True, True),
    Style((0.10, 0.115, 0.13), (0.28, 0.29, 0.30), 1.5, 3.4, (0.90, 0.74, 0.20), 0.06, 2, True, False),
    Style((0.55, 0.49, 0.38), (0.60, 0.58, 0.53), 3.0, 3.2, (0.38, 0.54, 0.26), 0.20, 0, True, True),
    Style((0.36, 0.35, 0.335), (0.26, 0.255, 0.25), 6.0, 3.3, (0.96, 0.46, 0.32), 0.24, 2, False, False),
    Style((0.155, 0.075, 0.055), (0.33, 0.30, 0.26), 3.3, 3.4, (0.50, 0.62, 0.20), 0.18, 1, True, True),
    Style((0.44, 0.41, 0.355), (0.50, 0.47, 0.42), 2.4, 3.5, (0.40, 0.60, 0.22), 0.24, 0, False, True),
)
SHED = Style((0.34, 0.36, 0.37), (0.14, 0.17, 0.21), 7.5, 20.0, (0.30, 0.06, 0.02), 0.10, 3, False, False)
_TENANTS = np.array(
    [
        (0.32, 0.03, 0.03), (0.02, 0.07, 0.20), (0.03, 0.14, 0.07), (0.45, 0.30, 0.04), (0.03, 0.03, 0.03),
        (0.50, 0.48, 0.42), (0.20, 0.05, 0.14), (0.40, 0.16, 0.03),
    ],
    np.float32,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Walls:
    """All walls of a place, a row each: foot of the left corner seen from outside (x, y), unit vector along, length,
    height, outward normal (x, y), number of the style, seed; ``styles`` is what those numbers point into."""

    corner: F32
    along: F32
    length: F32
    height: F32
    outward: F32
    style: Ints
    seed: Ints
    styles: tuple[Style, ...]

    def quads(self) -> F32:
        """W×4×3 corners, counter-clockwise seen from outside."""
        foot = np.concatenate([self.corner, np.zeros((len(self.length), 1), np.float32)], axis=1)
        across = np.concatenate([self.along * self.length[:, None], np.zeros((len(self.length), 1))], axis=1)
        up = np.stack([0.0 * self.height, 0.0 * self.height, self.height], axis=1)
        return np.stack([foot, foot + across, foot + across + up, foot + up], axis=1).astype(np.float32)

    def pick(self, values: Sequence[float] | Sequence[RGB], wall: Ints) -> F32:
        """A property of the styles (one a style) for samples on these walls."""
        found: F32 = np.array(values, np.float32)[self.style][wall]
        return found


def walls_of(buildings: Sequence[Building], sheds: bool) -> Walls:
    """The four walls of each building; along a highway buildings are sheds."""
    rows: list[tuple[float, ...]] = []
    for number, house in enumerate(buildings):
        x1, y1, x2, y2 = house.rect
        style = len(STYLES) if sheds else house.style % len(STYLES)
        for corner, along, length in (
            ((x1, y1), (1.0, 0.0), x2 - x1),
            ((x2, y1), (0.0, 1.0), y2 - y1),
            ((x2, y2), (-1.0, 0.0), x2 - x1),
            ((x1, y2), (0.0, -1.0), y2 - y1),
        ):
            rows.append(
                (*corner, *along, length, house.height_m, along[1], -along[0], style, number * 7 + len(rows) % 4)
            )
    table = np.array(rows, np.float32).reshape(-1, 10)
    return Walls(
        table[:, 0:2], table[:, 2:4], table[:, 4], table[:, 5], table[:, 6:8],
        table[:, 8].astype(np.int32), table[:, 9].astype(np.int32), (*STYLES, SHED),
    )  # fmt: skip


class StreetLight(Protocol):
    """How street lamps light the ground: radiance of a white one, in their colour."""

    @property
    def lamp_rgb(self) -> RGB: ...
    def lamps_at(self, x: F32, y: F32) -> NDArray[np.float64]: ...


class FacadePainter:
    """Lights samples on walls under one sky; ``sunlit`` tells for points how much of the sun reaches them."""

    def __init__(self, walls: Walls, daylight: Daylight, eye: tuple[float, float, float]) -> None:
        self._walls, self._sky = walls, daylight
        self._eye = np.array(eye, np.float32)

    def radiance(self, wall: Ints, rays: F32, shade: F32, street: StreetLight | None = None) -> F32:
        """K×3 radiance seen along K×3 unit rays that meet the walls of those numbers; ``shade`` W: share of sunlight
        left on each wall by what stands before it; ``street``: how street lamps light the ground,
        None where there are none."""
        walls = self._walls
        outward, along = walls.outward[wall], walls.along[wall]
        to_corner = walls.corner[wall] - self._eye[:2]
        inwards = pm.dot(rays[:, :2], outward)
        inwards = np.minimum(inwards, np.float32(-1e-4))
        distance = pm.dot(to_corner, outward) / inwards
        place = self._eye + distance[:, None] * rays
        u = pm.dot(place[:, :2] - walls.corner[wall], along)
        z = place[:, 2]
        slide = np.stack([pm.dot(rays[:, :2], along), rays[:, 2]], axis=1) / -inwards[:, None]
        grain = np.clip(1.0 - distance / 75.0, 0.0, 1.0)  # fine masonry fades with distance
        ambient, direct = self._light(outward, shade[wall], z)
        if street is not None and self._sky.lit:
            before = place[:, :2] + np.float32(1.5) * outward
            near = street.lamps_at(before[:, 0], before[:, 1]) * np.clip(1.5 - z / 8.0, 0.0, 1.0)
            ambient = ambient + np.float32(0.8) * near[:, None] * np.array(street.lamp_rgb, np.float32)
        albedo, glass, lit = self._albedo(wall, u, z, slide, grain)
        direct = direct * (1.0 - glass)
        radiance: F32 = albedo * (ambient + direct)
        panes = np.flatnonzero(glass)
        mirrored = self._mirrored(rays[panes], outward[panes])
        fresnel = glass[panes] * (0.08 + 0.92 * (1.0 - np.minimum(-inwards[panes], 1.0)) ** 5)[:, None]
        radiance[panes] = radiance[panes] * (1.0 - fresnel) + mirrored * fresnel
        return radiance + lit

    def _light(self, outward: F32, shade: F32, z: F32) -> tuple[F32, F32]:
        sky = self._sky
        ambient = sky.ambient(np.zeros(1, np.float32))
        near_ground = 0.62 + 0.38 * np.clip(z / 3.0, 0.0, 1.0)
        direct = np.zeros((len(z), 1), np.float32)
        if sky.casts_shadows:
            facing = np.clip(outward[:, 0] * sky.sun_vector[0] + outward[:, 1] * sky.sun_vector[1], 0.0, 1.0) * shade
            direct = facing[:, None] * np.array(sky.sun_rgb, np.float32)
        return near_ground[:, None] * ambient, direct

    def _mirrored(self, rays: F32, outward: F32) -> F32:
        """What window panes reflect: the sky, and dim houses opposite."""
        bounced = rays.copy()
        bounced[:, :2] -= 2.0 * pm.dot(rays[:, :2], outward)[:, None] * outward
        seen = self._sky.sky(bounced)
        low = np.clip((0.22 - bounced[:, 2]) * 6.0, 0.0, 1.0)[:, None]
        houses = (0.25 * self._sky.ambient(np.zeros(1, np.float32))).astype(np.float32)
        mixed: F32 = seen + low * (houses - seen)
        return mixed

    def _albedo(self, wall: Ints, u: F32, z: F32, slide: F32, grain: F32) -> tuple[F32, F32, F32]:
        """Albedo K×3, share of glass K×1 and light sent out K×3."""
        walls = self._walls
        styles, seed = walls.styles, walls.seed[wall]
        shops = walls.pick([float(style.shops) for style in styles], wall) > 0.5
        street = shops & (z < _SHOP_M)
        storey_m = walls.pick([style.storey_m for style in styles], wall)
        length = walls.length[wall]
        bays = np.maximum(np.round(length / walls.pick([style.bay_m for style in styles], wall)), 1.0)
        bay_m: F32 = (length / bays).astype(np.float32)
        base = np.where(shops, np.float32(_SHOP_M), np.float32(0.5))
        storey = np.floor((z - base) / storey_m)
        bay = np.floor(u / bay_m)
        local = np.stack([u - bay * bay_m, z - base - storey * storey_m], axis=1)
        window = self._openings(wall, bay_m, storey_m, street)
        attic = z > walls.height[wall] - 0.75
        window[attic | (z < base) & ~street] = 0.0
        inside, seen = _through(local, window, slide, walls.pick([style.recess_m for style in styles], wall))
        # Wall and panes are painted only where they show.
        shown = np.flatnonzero(inside != 2)
        albedo = np.empty((len(wall), 3), np.float32)
        masonry = self._masonry(wall[shown], u[shown], z[shown], local[shown], window[shown], grain[shown])
        albedo[shown] = np.where((inside[shown] == 0)[:, None], masonry, np.float32(0.55) * masonry)
        signed = np.flatnonzero(street & (inside != 2) & (z > _SIGN_M[0]) & (z < _SIGN_M[1]))
        albedo[signed] = self._shop_signs(albedo[signed], u[signed], z[signed], seed[signed])
        glazed = np.flatnonzero(inside == 2)
        glass, lit = np.zeros((len(wall), 1), np.float32), np.zeros((len(wall), 3), np.float32)
        albedo[glazed], lit[glazed], glass[glazed] = self._panes(
            seen[glazed], window[glazed], bay[glazed].astype(np.int32), storey[glazed].astype(np.int32), seed[glazed],
            street[glazed],
        )  # fmt: skip
        return albedo, glass, lit

    def _openings(self, wall: Ints, bay_m: F32, storey_m: F32, street: NDArray[np.bool_]) -> F32:
        """K×4: left, right, sill and head of the opening in the sample's own bay and storey."""
        styles = self._walls.styles
        wide = self._walls.pick([style.window[0] for style in styles], wall) * bay_m
        tall = self._walls.pick([style.window[1] for style in styles], wall) * storey_m
        sill = self._walls.pick([style.window[2] for style in styles], wall) * storey_m
        window = np.stack([(bay_m - wide) / 2, (bay_m + wide) / 2, sill, sill + tall], axis=1)
        pane = np.stack([0.06 * bay_m, 0.94 * bay_m, 0.0 * bay_m, 0.0 * bay_m], axis=1)
        # A storey of shops lies below the base, so local heights there count from one storey further down.
        pane[:, 2] = 0.45 - _SHOP_M + storey_m
        pane[:, 3] = _SIGN_M[0] - 0.1 - _SHOP_M + storey_m
        below = storey_m < _SHOP_M
        pane[:, 2] = np.where(below, np.maximum(pane[:, 2], 0.0), pane[:, 2])
        chosen: F32 = np.where(street[:, None], pane, window).astype(np.float32)
        return chosen

    def _masonry(self, wall: Ints, u: F32, z: F32, local: F32, window: F32, grain: F32) -> F32:
        """Albedo of the wall itself: courses or panels, stains below sills, ledges at storeys."""
        walls = self._walls
        styles, seed = walls.styles, walls.seed[wall]
        colour = walls.pick([style.wall for style in styles], wall)
        trim = walls.pick([style.trim for style in styles], wall)
        kind = walls.pick([float(style.masonry) for style in styles], wall)
        tone = 1.0 + 0.10 * (hashed(seed, seed * 0 + 5)[:, None] - 0.5) * np.array([1.6, 1.0, 0.6], np.float32)
        offset = seed.astype(np.float32) * np.float32(3.7)
        blotch = 1.0 + 0.055 * noise(u + offset, z, 3.5, 1) + 0.045 * noise(u + offset, z * 0.22, 0.9, 2)
        course = np.floor(z / 0.075)
        brick = hashed(course.astype(np.int32), np.floor(u / 0.23 + 0.5 * (course % 2)).astype(np.int32)) - 0.5
        joint = (z / 0.075 - course < 0.14) * np.float32(0.22)
        bricky = grain * (kind == 1) * (0.34 * brick + joint)
        panel = (kind == 2) & ((np.abs(local[:, 1]) < 0.03) | (np.abs(local[:, 0]) < 0.02))
        ribs = (kind == 3) * 0.16 * pm.sin(u * np.float32(2.0 * np.pi / 0.33)) * grain
        albedo = colour * (tone * (blotch + bricky + ribs)[:, None])
        albedo *= (1.0 - 0.35 * panel)[:, None]
        under = (local[:, 0] > window[:, 0] - 0.1) & (local[:, 0] < window[:, 1] + 0.1)
        sill = under & (np.abs(local[:, 1] - window[:, 2] + 0.05) < 0.06) & (window[:, 3] > window[:, 2])
        head = under & (np.abs(local[:, 1] - window[:, 3] - 0.10) < 0.10) & (window[:, 3] > window[:, 2]) & (kind != 2)
        ledge = (walls.pick([float(style.ledge) for style in styles], wall) > 0.5) & (local[:, 1] < 0.20)
        shadow = (walls.pick([float(style.ledge) for style in styles], wall) > 0.5) & (
            local[:, 1] > walls.pick([style.storey_m for style in styles], wall) - 0.16
        )
        albedo = np.where((sill | head | ledge)[:, None], trim * blotch[:, None], albedo)
        drip = under & (local[:, 1] < window[:, 2] - 0.1)
        albedo = albedo * (1.0 - 0.10 * drip - 0.38 * shadow - 0.30 * np.clip(0.35 - z, 0.0, 0.35))[:, None]
        plinth = (z < 0.55) & (kind != 3)
        masonry: F32 = np.where(plinth[:, None], 0.6 * trim, albedo).astype(np.float32)
        return masonry

    def _panes(
        self, seen: F32, window: F32, bay: Ints, storey: Ints, seed: Ints, street: NDArray[np.bool_]
    ) -> tuple[F32, F32, F32]:
        """What fills an opening: frame, blind, dark room; its light after sunset; the share that mirrors."""
        across = (seen[:, 0] - window[:, 0]) / np.maximum(window[:, 1] - window[:, 0], 0.05)
        upward = (seen[:, 1] - window[:, 2]) / np.maximum(window[:, 3] - window[:, 2], 0.05)
        chance = hashed(bay, storey, seed)
        other = hashed(storey, bay, seed + 11)
        lights = np.where(street, np.float32(4.0), np.float32(2.0))
        fraction = np.abs(across * lights - np.round(across * lights)) / lights
        frame = (fraction * (window[:, 1] - window[:, 0]) < 0.035) | (np.abs(upward - 0.5) < 0.5) & (
            np.minimum(upward, 1.0 - upward) * (window[:, 3] - window[:, 2]) < 0.06
        )
        blind = (upward > 1.0 - 0.9 * np.maximum(chance - 0.45, 0.0) / 0.55) & ~street
        curtain = (np.abs(across - 0.5) > 0.5 - 0.22 * (other > 0.6)) & ~street & ~blind
        room = np.array([0.020, 0.022, 0.025], np.float32) * (0.6 + other[:, None])
        room = np.where(street[:, None], room * (1.4 + 1.6 * (upward < 0.4))[:, None], room)
        albedo = np.where(
            (blind | curtain)[:, None], np.array([0.42, 0.40, 0.35], np.float32) * (0.7 + 0.5 * other[:, None]), room
        )
        albedo = np.where(frame[:, None], np.float32(0.25) + 0.35 * (chance[:, None] > 0.4), albedo)
        glow = np.zeros_like(albedo)
        if self._sky.lit:
            on = (other < np.where(street, np.float32(0.85), np.float32(0.34))) & ~frame
            warm = np.array([0.50, 0.34, 0.17], np.float32) * (0.35 + 0.9 * chance[:, None])
            shape = (0.55 + 0.45 * upward) * np.where(blind, np.float32(0.55), np.float32(1.0))
            glow = on[:, None] * warm * shape[:, None] * np.where(street, np.float32(1.3), np.float32(0.8))[:, None]
        mirror = np.where(frame | blind, np.float32(0.55), np.float32(1.0)) * ~frame
        return albedo, glow, mirror[:, None].astype(np.float32)

    def _shop_signs(self, albedo: F32, u: F32, z: F32, seed: Ints) -> F32:
        """Fascias over the shops, some lettering, and pilasters between tenants, at the fascias' height."""
        tenant = np.floor(u / 7.5).astype(np.int32)
        chosen = (hashed(tenant, seed) * len(_TENANTS)).astype(np.int32)
        into = u / 7.5 - tenant
        painted = _TENANTS[chosen]
        letters = (np.abs(into - 0.5) < 0.10 + 0.22 * hashed(tenant, seed + 3)) & (np.abs(z - 3.4) < 0.17)
        strokes = hashed(np.floor(u / 0.21).astype(np.int32), np.floor(z / 0.14).astype(np.int32), seed) > 0.42
        bright = np.where(painted.sum(axis=1, keepdims=True) > 0.7, np.float32(0.03), np.float32(0.62))
        painted = np.where((letters & strokes)[:, None], bright, painted)
        signed: F32 = np.where((np.abs(into - 0.5) < 0.47)[:, None], painted, albedo)
        return signed


def _through(local: F32, window: F32, slide: F32, recess: F32) -> tuple[Ints, F32]:
    """0 on the wall, 1 on a reveal, 2 on the pane; and where on the pane's plane the ray ends (K×2)."""
    opening = _within(local, window)
    seen = local + slide * recess[:, None]
    pane = opening & _within(seen, window)
    return opening.astype(np.int32) + pane, seen


def _within(point: F32, window: F32) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = (
        (point[:, 0] > window[:, 0])
        & (point[:, 0] < window[:, 1])
        & (point[:, 1] > window[:, 2])
        & (point[:, 1] < window[:, 3])
    )
    return inside
