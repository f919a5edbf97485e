"""Cars at rest off the road: rows of marked bays on open ground beside a street."""

from __future__ import annotations

import math

import numpy as np

from its_core.engines.simulator.meshes.materials import PAINTS, Surface, byte_table
from its_core.engines.simulator.meshes.mesh import Mesh
from its_core.engines.simulator.meshes.vehicles import car
from its_core.engines.simulator.randomness import normal
from its_core.engines.simulator.roads.layouts import Layout, Marking, Point, Rect
from its_core.taxonomy import Colour, ParticipantType

_BAY_M = (2.6, 5.4)
_AISLE_M = 1.2
_KINDS = (ParticipantType.SEDAN, ParticipantType.SEDAN, ParticipantType.SUV, ParticipantType.SUV, ParticipantType.VAN)
_COLOURS = (
    Colour.WHITE, Colour.SILVER, Colour.GREY, Colour.BLACK, Colour.WHITE, Colour.SILVER, Colour.GREY, Colour.BLACK,
    Colour.RED, Colour.BLUE, Colour.BEIGE, Colour.GREEN, Colour.BROWN,
)  # fmt: skip


def car_parks(layout: Layout, eye: Point, rng: np.random.Generator) -> tuple[list[Mesh], list[Marking], list[Rect]]:
    """Parked cars, the lines between their bays and where these lie, where a place has room for a row of them near its
    focus."""
    cars: list[Mesh] = []
    lines: list[Marking] = []
    taken: list[Point] = []
    rows: list[Rect] = []
    for _ in range(160):
        if len(taken) >= 4:
            break
        bays = int(rng.integers(4, 9))
        along_x = bool(rng.random() < 0.5)
        x, y = (centre + float(rng.uniform(-46.0, 46.0)) for centre in layout.focus_m)
        half = (bays * _BAY_M[0] / 2, _BAY_M[1] / 2) if along_x else (_BAY_M[1] / 2, bays * _BAY_M[0] / 2)
        rect = (x - half[0], y - half[1], x + half[0], y + half[1])
        if not _free(layout, rect, eye) or any(math.dist((x, y), other) < 16.0 for other in taken):
            continue
        taken.append((x, y))
        rows.append(rect)
        cars += _parked(rect, bays, along_x, rng)
        lines += _bay_lines(rect, bays, along_x)
    return cars, lines, rows


def _free(layout: Layout, rect: tuple[float, float, float, float], eye: Point) -> bool:
    clear = layout.pavement_m + _AISLE_M
    streets = all(_apart(rect, road) > clear for road in layout.carriageways)
    houses = all(_apart(rect, house.rect) > 1.0 for house in layout.buildings)
    posts = [*layout.trees, *layout.street_lamps, eye]
    return streets and houses and all(_apart(rect, (x, y, x, y)) > 1.6 for x, y in posts)


def _apart(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> float:
    """Distance between two rectangles; negative when they overlap."""
    return max(b[0] - a[2], a[0] - b[2], b[1] - a[3], a[1] - b[3])


def _parked(rect: tuple[float, float, float, float], bays: int, along_x: bool, rng: np.random.Generator) -> list[Mesh]:
    found = []
    for bay in range(bays):
        if rng.random() < 0.22:
            continue
        step = (bay + 0.5) * _BAY_M[0]
        x = rect[0] + step if along_x else (rect[0] + rect[2]) / 2
        y = (rect[1] + rect[3]) / 2 if along_x else rect[1] + step
        turn = (0.0 if along_x else math.pi / 2) + (math.pi if rng.random() < 0.3 else 0.0)
        turn += normal(rng, 0.0, 0.02)
        kind = _KINDS[int(rng.integers(len(_KINDS)))]
        colour = _COLOURS[int(rng.integers(len(_COLOURS)))]
        at = (x + normal(rng, 0.0, 0.1), y + normal(rng, 0.0, 0.1), 0.0)
        found.append(_at_rest(kind, colour).moved(at, turn))
    return found


def _at_rest(kind: ParticipantType, colour: Colour) -> Mesh:
    """A whole car with its lamps out."""
    made = car(kind)
    dark = {Surface.PAINT: PAINTS[colour]}
    for lamp in ("HEADLAMP", "TAILLAMP", "INDICATOR"):
        for side in ("LEFT", "RIGHT"):
            dark[Surface[f"{lamp}_{side}"]] = Surface[f"{lamp}_DARK"]
    vertices = made.mesh.vertices.copy()
    for wheel, hub in enumerate(made.hubs):
        vertices[made.mesh.parts == wheel + 1] += hub.astype(np.float32)
    mesh = made.mesh
    return Mesh(vertices, mesh.normals, byte_table(dark)[mesh.slots], mesh.parts, mesh.welds, mesh.triangles)


def _bay_lines(rect: tuple[float, float, float, float], bays: int, along_x: bool) -> list[Marking]:
    x1, y1, x2, y2 = rect
    found = []
    for bay in range(bays + 1):
        step = bay * _BAY_M[0]
        start, end = ((x1 + step, y1), (x1 + step, y2)) if along_x else ((x1, y1 + step), (x2, y1 + step))
        found.append(Marking(start, end, 0.1, "white"))
    return found
