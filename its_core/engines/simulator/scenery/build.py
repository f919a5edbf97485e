"""Everything that stands still in a place: houses with their roofs, trees, lamps, signals, rails, street furniture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor, boxes, joined, level_pieces
from its_core.engines.simulator.meshes.street_furniture import (
    bench,
    cabinet,
    guard_rail,
    hydrant,
    lamp_light_at,
    litter_bin,
    median_barrier,
    sign,
    signal_mast,
    street_lamp,
)
from its_core.engines.simulator.meshes.vegetation import bush
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.bounds import nearest_on_road, off_parts_m, off_road_m, outside_m
from its_core.engines.simulator.roads.layouts import ISLAND_CORE, Building, Disc, Layout, Marking, Point, Rect
from its_core.engines.simulator.scenery.bridges import bridge_steel
from its_core.engines.simulator.scenery.car_parks import car_parks
from its_core.engines.simulator.scenery.facades import STYLES, Walls, walls_of
from its_core.engines.simulator.scenery.fences import fences
from its_core.engines.simulator.scenery.house_shade import shade
from its_core.engines.simulator.scenery.open_country import TREE_KINDS, leaf_cards, open_country, tree_kind, woods
from its_core.engines.simulator.scenery.tunnels import tunnel_inside

F32 = NDArray[np.float32]
Corner = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Scenery:
    """``things`` are meshes in the world frame; ``walls`` the facades of ``buildings`` (the place's own first, then the
    backdrop's); ``lamps`` where street light comes from."""

    things: tuple[Mesh, ...]
    walls: Walls
    buildings: tuple[Building, ...]
    lamps: tuple[tuple[float, float, float], ...]
    bays: tuple[Marking, ...]  # lines painted beside the road
    parks: tuple[Rect, ...]  # the car parks that they belong to
    blocks: F32 = field(init=False)  # x1, y1, x2, y2, height of the buildings, B×5

    def __post_init__(self) -> None:
        rows = [(*house.rect, house.height_m) for house in self.buildings]
        object.__setattr__(self, "blocks", np.array(rows, np.float32).reshape(-1, 5))

    def sunlit(self, points: F32, daylight: Daylight) -> F32:
        """Share of the sun (0 or 1, K) that buildings leave to K×3 points; quick where points lie together."""
        lit = np.ones(len(points), np.float32)
        if daylight.casts_shadows:
            sun = daylight.sun_vector
            shade(points, self.blocks, np.where(np.abs(sun) < 1e-6, np.float32(1e-6), sun), lit)
        return lit


def scenery(
    layout: Layout,
    daylight: Daylight,
    eye: tuple[float, float, float],
    camera_id: str,
    fallen: frozenset[Point] = frozenset(),
) -> Scenery:
    """What stands in a place, seen from ``eye`` (far trees have fewer leaves). ``fallen``: the feet of the street lamps
    that are left out."""
    rng = rng_of("scenery", layout.name.value, camera_id)
    sheds = layout.pavement_m == 0.0  # open country
    buildings = (*layout.buildings, *([] if sheds else _backdrop(layout, rng)))
    things = _roofs(buildings, sheds)
    things += _trees(layout, eye, rng)
    lamps = []
    for foot in layout.street_lamps:
        if foot in fallen:
            continue
        towards = towards_road(layout, foot)
        things.append(street_lamp(towards, daylight.lit).moved((*foot, 0.0)))
        lamps.append(lamp_light_at(foot, towards))
    for mast in sorted({head.mast_m for head in layout.signals}):
        things.append(signal_mast(mast, [head for head in layout.signals if head.mast_m == mast]))
    if layout.deck is not None:
        things += bridge_steel(layout)
    elif layout.tube is not None:
        things += tunnel_inside(layout, eye[1], rng)
    else:
        things += _barriers(layout)
    things += [thing for island in layout.islands for thing in _planted(island, rng)]
    if not layout.on_ground:
        pass
    elif sheds:
        things += open_country(layout, eye, daylight.lit, rng)
    else:
        things += _furniture(layout, rng)
    parked, bays, parks = ([], [], []) if sheds else car_parks(layout, eye[:2], rng)
    if not sheds:
        things += fences(layout, eye[:2], parks, rng)
    every = (*things, *parked)
    return Scenery(every, walls_of(buildings, sheds), tuple(buildings), tuple(lamps), tuple(bays), tuple(parks))


def towards_road(layout: Layout, foot: Point) -> tuple[float, float]:
    """Unit vector from a point beside the road to the nearest of the road."""
    x, y = nearest_on_road(layout, *foot)
    across = (x - foot[0], y - foot[1])
    length = math.hypot(*across)
    return (across[0] / length, across[1] / length) if length > 1e-6 else (1.0, 0.0)


def _backdrop(layout: Layout, rng: np.random.Generator) -> list[Building]:
    """Blocks of town beyond what the layout models, clear of the streets that run on."""
    found: list[Building] = []
    reach = layout.extent_m
    for x in np.arange(-reach - 170.0, reach + 170.0, 34.0):
        for y in np.arange(-reach - 170.0, reach + 170.0, 34.0):
            if max(abs(x + 14), abs(y + 14)) < reach + 18.0:
                continue
            wide, deep = float(rng.uniform(16, 28)), float(rng.uniform(16, 28))
            rect = (float(x), float(y), float(x) + wide, float(y) + deep)
            if any(_overlap(rect, road, 7.0) for road in layout.carriageways) or rng.random() < 0.12:
                continue
            found.append(Building(rect, float(rng.uniform(7.0, 27.0)), int(rng.integers(len(STYLES)))))
    return [house for house in found if not any(_overlap(house.rect, own.rect, 1.0) for own in layout.buildings)]


def _overlap(a: Rect, b: Rect, margin: float) -> bool:
    return a[0] < b[2] + margin and b[0] < a[2] + margin and a[1] < b[3] + margin and b[1] < a[3] + margin


def _roofs(buildings: Sequence[Building], sheds: bool) -> list[Mesh]:
    """Of all houses: the roof itself, then parapet, cornice and plant on it."""
    if not buildings:
        return []
    flat, corners, slots = [], [], []
    for number, house in enumerate(buildings):
        flat.append((*house.rect, house.height_m - 0.4))
        around = _about_roof(house, number, sheds)
        corners += around[0]
        slots += around[1]
    return [
        joined([level_pieces(np.array(flat), Surface.ROOFING), boxes(np.array(corners), np.array(slots, np.uint8))])
    ]


def _about_roof(house: Building, number: int, shed: bool) -> tuple[list[tuple[Corner, Corner]], list[int]]:
    """Boxes, low and high corners, and what each is made of."""
    rng = rng_of("roof", number, house.style)
    x1, y1, x2, y2 = house.rect
    z = house.height_m
    style = house.style % len(STYLES)
    trim = Surface.STEEL_DARK if shed or style == 1 else Surface.BRICK_TRIM if style == 4 else Surface.STONE
    out = 0.06 if shed or style in (1, 3) else 0.28
    low = z - (0.18 if out < 0.1 else 0.55)
    corners = [
        ((x1 - out, y1 - out, low), (x2 + out, y1 + 0.25, z)),
        ((x1 - out, y2 - 0.25, low), (x2 + out, y2 + out, z)),
        ((x1 - out, y1 + 0.25, low), (x1 + 0.25, y2 - 0.25, z)),
        ((x2 - 0.25, y1 + 0.25, low), (x2 + out, y2 - 0.25, z)),
    ]
    slots: list[int] = [trim] * len(corners)
    for _ in range(int(rng.integers(1, 5))):
        x, y = float(rng.uniform(x1 + 1.5, x2 - 3.0)), float(rng.uniform(y1 + 1.5, y2 - 3.0))
        wide, deep, tall = rng.uniform(0.8, 2.4, 3).tolist()
        corners.append(((x, y, z - 0.4), (x + wide, y + deep, z + 0.5 * tall)))
        slots.append(Surface.STEEL)
    return corners, slots


def _trees(layout: Layout, eye: tuple[float, float, float], rng: np.random.Generator) -> list[Mesh]:
    found = []
    for x, y in layout.trees:
        kind, turn = int(rng.integers(TREE_KINDS)), float(rng.uniform(0.0, 6.3))
        found.append(tree_kind(kind, leaf_cards(x, y, eye)).moved((x, y, 0.0), turn))
    if layout.pavement_m == 0.0 and layout.on_ground:
        found += woods(layout, eye, rng)
    return found


def _barriers(layout: Layout) -> list[Mesh]:
    """The barrier that has road on both sides is concrete, the others are rails facing the road."""
    found = []
    for start, end in layout.barriers:
        x, y = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
        if off_road_m(layout, x, y) < -1.0:
            found.append(median_barrier(start, end))
            continue
        across = towards_road(layout, (x, y))
        left = (-(end[1] - start[1]), end[0] - start[0])
        facing = across[0] * left[0] + across[1] * left[1] > 0
        found.append(guard_rail(start, end) if facing else guard_rail(end, start))
    return found


def _planted(island: Disc, rng: np.random.Generator) -> list[Mesh]:
    """A ring of stone about the middle of an island, with shrubs in it: what a vehicle runs into that drives on."""
    radius = ISLAND_CORE * island.radius_m
    x, y = island.centre
    sculptor = Sculptor()
    turns = np.linspace(0.0, 2.0 * math.pi, 33)
    ring = np.stack([x + radius * pm.cos(turns), y + radius * pm.sin(turns)], axis=1)
    for inner, (low, high) in ((0.0, (0.0, 0.55)), (0.35, (0.55, 0.55))):
        shrunk = (ring - [x, y]) * (1.0 - inner / radius) + [x, y]
        sculptor.grid(_band(ring, low, shrunk, high), Surface.STONE)
    found = [sculptor.mesh()]
    for _ in range(int(rng.integers(5, 14))):
        away, turn = radius * float(np.sqrt(rng.uniform(0.05, 0.75))), float(rng.uniform(0.0, 6.3))
        at = (x + away * float(pm.cos(turn)), y + away * float(pm.sin(turn)), 0.25)
        found.append(bush(rng).moved(at, turn))
    return found


def _band(outer: NDArray[np.float64], low_m: float, inner: NDArray[np.float64], high_m: float) -> NDArray[np.float64]:
    """A closed strip between two rings, 2×K×3, seen from outside and above."""
    below = np.column_stack([outer, np.full(len(outer), low_m)])
    above = np.column_stack([inner, np.full(len(inner), high_m)])
    return np.stack([above, below])


def _furniture(layout: Layout, rng: np.random.Generator) -> list[Mesh]:
    """Small things in the strip beside the kerb, clear of crosswalks."""
    makers = (
        litter_bin,
        hydrant,
        cabinet,
        lambda: sign(Surface.SIGN_BLUE, 0.6, 0.6),
        lambda: sign(Surface.SIGN_RED, 0.6, 0.6),
        lambda: sign(Surface.SIGN_WHITE, 0.45, 0.65),
        bench,
        litter_bin,
    )
    focus = layout.focus_m
    found: list[Mesh] = []
    for number in range(400):
        if len(found) >= 18:
            break
        x, y = focus[0] + float(rng.uniform(-48, 48)), focus[1] + float(rng.uniform(-48, 48))
        clear = off_road_m(layout, x, y)
        if not 0.45 < clear < 0.95 or _in_the_way(layout, x, y):
            continue
        across = towards_road(layout, (x, y))
        turn = pm.atan2(-across[0], across[1])
        if number % len(makers) in (3, 4, 5):
            turn += math.pi / 2 * (1 if rng.random() < 0.5 else -1)
        found.append(makers[number % len(makers)]().moved((x, y, 0.0), turn))
    for house in layout.buildings[:8]:
        x1, y1, x2, _ = house.rect
        if rng.random() < 0.4:
            found.append(bush(rng).moved((float(rng.uniform(x1, x2)), y1 - 0.7, 0.0)))
    return found


def _in_the_way(layout: Layout, x: float, y: float) -> bool:
    corner = layout.corner_radius_m + 3.0
    near_corner = sum(away < corner for away in off_parts_m(layout, x, y)) > 1
    on_island = any(math.dist(island.centre, (x, y)) < island.radius_m for island in layout.islands)
    on_crossing = any(outside_m(crossing.rect, x, y) < 2.2 for crossing in layout.crosswalks)
    by_mast = any(math.dist((x, y), head.mast_m) < 1.5 for head in layout.signals)
    return near_corner or on_island or on_crossing or by_mast


def merged(things: Sequence[Mesh]) -> Mesh:
    """All meshes as one, without what only bending needs."""
    first = np.cumsum([0] + [len(thing.vertices) for thing in things[:-1]])
    return Mesh(
        np.concatenate([thing.vertices for thing in things]),
        np.concatenate([thing.normals for thing in things]),
        np.concatenate([thing.slots for thing in things]),
        np.zeros(0, np.uint8),
        np.zeros(0, np.int32),
        np.concatenate([thing.triangles + start for thing, start in zip(things, first, strict=True)]).astype(np.int32),
    )
