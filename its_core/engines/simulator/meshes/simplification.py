"""Meshes with fewer triangles, for bodies that are small in the picture.

Edges are collapsed onto one of their ends as long as that end stays near the planes of all triangles that went into it
(Garland and Heckbert, "Surface simplification using quadric error metrics", 1997). Where materials or parts meet, and
at open edges, a vertex moves along that line alone, and the line is held by planes across it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.meshes.mesh import Mesh

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_PASSES = 40
_TURNED = 0.3  # cosine of the angle by which a triangle that stays may turn
_PLAIN, _LINE, _FIXED = 0, 1, 2  # how a vertex may move: anywhere, along its line, not at all


def simplified(mesh: Mesh, tolerance_m: float, kept: Sequence[int] = (), longest_m: float = np.inf) -> Mesh:
    """The mesh with a subset of its vertices, none of whose surfaces has moved by more than about ``tolerance_m``;
    those of the materials ``kept`` not at all. No edge becomes longer than ``longest_m``; triangles that have
    a longer one already stay as they are (``cut`` takes them)."""
    if tolerance_m <= 0.0:
        return mesh
    _, firsts, welds = np.unique(mesh.welds, return_index=True, return_inverse=True)
    places = mesh.vertices[firsts].astype(np.float64)
    corners = welds[mesh.triangles].astype(np.int64)
    first = mesh.triangles[:, 0]
    kinds = (mesh.slots[first].astype(np.int64) << 8) | mesh.parts[first]
    fixed = np.zeros(len(places), np.bool_)
    fixed[welds[np.isin(mesh.slots, kept)]] = True
    corners, kinds = _collapsed(places, corners, kinds, fixed, tolerance_m * tolerance_m, longest_m * longest_m)
    keys = (welds.astype(np.int64) << 16) | (mesh.slots.astype(np.int64) << 8) | mesh.parts
    order = np.argsort(keys, kind="stable")
    wanted = (corners << 16) | kinds[:, None]
    vertices = order[np.searchsorted(keys[order], wanted)]
    used, faces = np.unique(vertices, return_inverse=True)
    return Mesh(
        mesh.vertices[used],
        mesh.normals[used],
        mesh.slots[used],
        mesh.parts[used],
        np.unique(mesh.welds[used], return_inverse=True)[1].astype(np.int32),
        faces.reshape(corners.shape).astype(np.int32),
    )


def _collapsed(
    places: Floats, corners: Ints, kinds: Ints, fixed: NDArray[np.bool_], most: float, longest: float
) -> tuple[Ints, Ints]:
    """Triangles T×3 of places and their kinds (material and part), fewer of them; ``fixed`` places stay. ``longest``:
    the square of an edge's length."""
    quadrics = np.zeros((len(places), 10))
    first = True
    for _ in range(_PASSES):
        edges = _edges(corners, len(places))
        features = _features(edges, kinds)
        if first:
            _measure(places, corners, edges, features, quadrics)
            first = False
        ways = _ways(edges, features, len(places))
        ways[fixed] = _FIXED
        sources, targets, costs = _candidates(places, quadrics, edges, features, ways, most)
        order = np.argsort(costs, kind="stable")
        alive = _collapse(places, corners, features, edges, quadrics, sources[order], targets[order], longest)
        if bool(alive.all()):
            break
        corners, kinds = corners[alive], kinds[alive]
    return corners, kinds


def _edges(corners: Ints, count: int) -> Ints:
    """3T×4, sorted by the first two columns: the lower and the higher place of a triangle's side, the triangle, and
    which of its sides."""
    numbers = np.arange(len(corners))
    sides = [
        np.stack(
            [
                np.minimum(corners[:, side], corners[:, (side + 1) % 3]),
                np.maximum(corners[:, side], corners[:, (side + 1) % 3]),
                numbers,
                np.full(len(corners), side),
            ],
            axis=1,
        )
        for side in range(3)
    ]
    edges = np.concatenate(sides)
    found: Ints = edges[np.argsort(edges[:, 0] * count + edges[:, 1], kind="stable")]
    return found


@kernel
def _features(edges: Ints, kinds: Ints) -> NDArray[np.bool_]:
    """Of each row of ``edges``, whether the surface ends or changes there."""
    found = np.zeros(len(edges), np.bool_)
    at = 0
    while at < len(edges):
        end = at + 1
        while end < len(edges) and edges[end, 0] == edges[at, 0] and edges[end, 1] == edges[at, 1]:
            end += 1
        feature = end - at != 2 or kinds[edges[at, 2]] != kinds[edges[at + 1, 2]]
        for row in range(at, end):
            found[row] = feature
        at = end
    return found


@kernel
def _ways(edges: Ints, features: NDArray[np.bool_], count: int) -> Ints:
    """How each place may move."""
    lines = np.zeros(count, np.int64)
    for row in range(len(edges)):
        same = row > 0 and edges[row, 0] == edges[row - 1, 0] and edges[row, 1] == edges[row - 1, 1]
        if features[row] and not same:
            lines[edges[row, 0]] += 1
            lines[edges[row, 1]] += 1
    ways = np.empty(count, np.int64)
    for place in range(count):
        ways[place] = _PLAIN if lines[place] == 0 else _LINE if lines[place] == 2 else _FIXED
    return ways


@inline
def _add_plane(quadrics: Floats, place: int, a: float, b: float, c: float, d: float) -> None:
    quadric = quadrics[place]
    quadric[0] += a * a
    quadric[1] += a * b
    quadric[2] += a * c
    quadric[3] += a * d
    quadric[4] += b * b
    quadric[5] += b * c
    quadric[6] += b * d
    quadric[7] += c * c
    quadric[8] += c * d
    quadric[9] += d * d


@inline
def _cross(a: Floats, b: Floats, c: Floats) -> tuple[float, float, float]:
    """The normal of a triangle, twice its area long."""
    ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    return uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx


@inline
def _square(a: Floats, b: Floats) -> float:
    """That of the distance between two places."""
    x, y, z = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    return float(x * x + y * y + z * z)


@inline
def _normal(places: Floats, corners: Ints, number: int) -> tuple[float, float, float]:
    return _cross(places[corners[number, 0]], places[corners[number, 1]], places[corners[number, 2]])


@kernel
def _measure(places: Floats, corners: Ints, edges: Ints, features: NDArray[np.bool_], quadrics: Floats) -> None:
    """Adds the planes of all triangles and, at lines, those across them to the quadrics of their corners."""
    for number in range(len(corners)):
        x, y, z = _normal(places, corners, number)
        i = corners[number, 0]
        length = np.sqrt(x * x + y * y + z * z)
        if length > 0.0:
            x, y, z = x / length, y / length, z / length
            d = -(x * places[i, 0] + y * places[i, 1] + z * places[i, 2])
            for corner in range(3):
                _add_plane(quadrics, corners[number, corner], x, y, z, d)
    for row in range(len(edges)):
        if not features[row]:
            continue
        x, y, z = _normal(places, corners, edges[row, 2])
        p, q = places[edges[row, 0]], places[edges[row, 1]]
        ex, ey, ez = q[0] - p[0], q[1] - p[1], q[2] - p[2]
        x, y, z = y * ez - z * ey, z * ex - x * ez, x * ey - y * ex
        length = np.sqrt(x * x + y * y + z * z)
        if length > 0.0:
            x, y, z = x / length, y / length, z / length
            d = -(x * p[0] + y * p[1] + z * p[2])
            _add_plane(quadrics, edges[row, 0], x, y, z, d)
            _add_plane(quadrics, edges[row, 1], x, y, z, d)


@inline
def _cost(quadrics: Floats, source: int, target: int, places: Floats) -> float:
    """The sum of the squared distances of the target's place from the planes of both."""
    x, y, z = places[target, 0], places[target, 1], places[target, 2]
    total = 0.0
    for place in (source, target):
        q = quadrics[place]
        total += x * (q[0] * x + 2.0 * (q[1] * y + q[2] * z + q[3]))
        total += y * (q[4] * y + 2.0 * (q[5] * z + q[6])) + z * (q[7] * z + 2.0 * q[8]) + q[9]
    return total


@kernel
def _candidates(
    places: Floats, quadrics: Floats, edges: Ints, features: NDArray[np.bool_], ways: Ints, most: float
) -> tuple[Ints, Ints, Floats]:
    """Collapses that cost little: from which place, onto which, at what cost."""
    sources, targets = np.empty(2 * len(edges), np.int64), np.empty(2 * len(edges), np.int64)
    costs = np.empty(2 * len(edges))
    count = 0
    for row in range(len(edges)):
        if row > 0 and edges[row, 0] == edges[row - 1, 0] and edges[row, 1] == edges[row - 1, 1]:
            continue
        for turn in range(2):
            source, target = edges[row, turn], edges[row, 1 - turn]
            if ways[source] == _FIXED or (ways[source] == _LINE and not features[row]):
                continue
            cost = _cost(quadrics, source, target, places)
            if cost <= most:
                sources[count], targets[count], costs[count] = source, target, cost
                count += 1
    return sources[:count], targets[:count], costs[:count]


@kernel
def _collapse(
    places: Floats, corners: Ints, features: NDArray[np.bool_], edges: Ints, quadrics: Floats, sources: Ints,
    targets: Ints, longest: float,
) -> NDArray[np.bool_]:  # fmt: skip
    """Does those of the collapses, cheapest first, that touch no triangle of another one. Returns which triangles are
    left."""
    count = len(places)
    starts = np.zeros(count + 1, np.int64)
    for number in range(len(corners)):
        for corner in range(3):
            starts[corners[number, corner] + 1] += 1
    for place in range(count):
        starts[place + 1] += starts[place]
    filled, users = starts[:-1].copy(), np.empty(3 * len(corners), np.int64)
    for number in range(len(corners)):
        for corner in range(3):
            place = corners[number, corner]
            users[filled[place]] = number
            filled[place] += 1
    alone = np.zeros(len(corners), np.int64)
    for row in range(len(edges)):
        alone[edges[row, 2]] += features[row]
    alive, touched = np.ones(len(corners), np.bool_), np.zeros(count, np.bool_)
    for number in range(len(sources)):
        source, target = sources[number], targets[number]
        around = users[starts[source] : starts[source + 1]]
        onto = users[starts[target] : starts[target + 1]]
        if (
            touched[source]
            or touched[target]
            or not _may_collapse(source, target, around, onto, places, corners, alone, longest)
        ):
            continue
        for triangle in around:
            for corner in range(3):
                touched[corners[triangle, corner]] = True
        for triangle in around:
            if _has(corners, triangle, target):
                alive[triangle] = False
                continue
            for corner in range(3):
                if corners[triangle, corner] == source:
                    corners[triangle, corner] = target
        for term in range(10):
            quadrics[target, term] += quadrics[source, term]
    return alive


@inline
def _has(corners: Ints, triangle: int, place: int) -> bool:
    """Whether a triangle has a corner at a place."""
    return bool(corners[triangle, 0] == place or corners[triangle, 1] == place or corners[triangle, 2] == place)


@inline
def _may_collapse(
    source: int, target: int, around: Ints, onto: Ints, places: Floats, corners: Ints, alone: Ints, longest: float
) -> bool:
    """Whether the surface stays one: no other place is joined to both ends, no triangle turns over, none that stands
    alone is lost; and no edge becomes too long."""
    shared, common = 0, 0
    for triangle in around:
        if _has(corners, triangle, target):
            shared += 1
            if alone[triangle] == 3:
                return False
            continue
        x, y, z = _normal(places, corners, triangle)
        i, j, k = corners[triangle, 0], corners[triangle, 1], corners[triangle, 2]
        a = places[target] if i == source else places[i]
        b = places[target] if j == source else places[j]
        c = places[target] if k == source else places[k]
        nx, ny, nz = _cross(a, b, c)
        before, after = np.sqrt(x * x + y * y + z * z), np.sqrt(nx * nx + ny * ny + nz * nz)
        if longest < np.inf and max(_square(a, b), _square(b, c), _square(c, a)) > longest:
            return False
        if before > 0.0 and x * nx + y * ny + z * nz <= _TURNED * before * after:
            return False
    seen = np.empty(3 * len(around), np.int64)
    for triangle in around:
        for corner in range(3):
            place = corners[triangle, corner]
            if place in (source, target):
                continue
            known = False
            for at in range(common):
                known = known or seen[at] == place
            if known:
                continue
            for other in onto:
                if _has(corners, other, place):
                    seen[common] = place
                    common += 1
                    break
    return shared > 0 and common == shared
