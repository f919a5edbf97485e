"""What a collision does to a vehicle's body: crushed ends and flanks, a buckled bonnet, torn skin, broken glass.

The struck zone is pushed in as in crash reconstruction: most at the surface and over the width of the contact, less
and less towards the end of the crush zone behind it, and little above the sills, where nothing was struck.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.car_shapes import CarShape
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, subdivided
from its_core.engines.simulator.meshes.noise import hashed
from its_core.engines.simulator.trace import Dent

Floats = NDArray[np.float64]

BODY = 0  # the part of a mesh that gives way: wheels stay round
PLATEAU, EDGE = 0.55, 1.35  # of a dent's radius: pushed in evenly so far to the side, and not at all beyond
# How much of the push reaches parts so far above the point that was struck, in metres.
_ABOVE_M = (-1.5, 0.35, 0.9, 1.6)
_SHARES_ABOVE = (1.0, 1.0, 0.16, 0.0)
_CRUSH_ZONE_M = 1.0  # behind the struck surface, at least: twice the depth of a deep dent
_RUMPLE_M = 0.11  # wavelength of crumpled sheet metal
_RUMPLE = 0.13  # of the depth
# A bonnet that is pushed back folds upwards in its middle, a boot lid less.
_BONNET_RISES, _BOOT_RISES, _HIGHEST_M = 0.75, 0.35, 0.42
_FLAT = 0.72  # of the body's height there: what lies above is the bonnet's or the boot lid's skin
TEARS_M, _CRAZES_M, _FALLS_OUT_M = 0.07, 0.03, 0.08  # depths from which skin tears, glass crazes, and falls out
_WRECKED_M = 0.42  # depth at which nothing of the struck face is whole
_FINE_M = 0.26  # sheets are cut so small where they are struck
_PIECE_M = (0.20, 0.13)  # across and up: sizes of torn pieces
_FACE_M = 0.34  # what lies so near to the struck surface is its face
_SKYWARD = 0.55  # bonnets and boot lids, whose normals rise more, fold and keep their paint
_TORN_FLANK = 0.45  # of what is torn off an end, flanks lose
AIRBAG_FRONT_M, AIRBAG_SIDE_M = 0.26, 0.18  # depths of dents from which airbags fill the windows


def crushed(mesh: Mesh, dents: Sequence[Dent], shape: CarShape | None) -> Mesh:
    """A body after these blows. ``shape`` None: one without bonnet and windscreen of a car's."""
    vertices = mesh.vertices.astype(np.float64)
    body = mesh.parts == BODY
    pushed, slots = np.zeros(len(vertices)), mesh.slots.copy()
    for dent in dents:
        share, ahead = _shares(vertices, dent)
        share[~body] = 0.0
        push = share * dent.depth_m
        face = body & (np.abs(ahead) < _FACE_M) & (share > 0.3) & (mesh.normals[:, 2] < _SKYWARD)
        if shape is not None:
            vertices[:, 2] += _folded(mesh, vertices, dent, shape, body)
        moved = vertices + (push * _uneven(vertices, dent))[:, None] * np.array(dent.direction)
        shake = pm.sin(vertices[:, [1, 2, 0]] * (2.0 * np.pi / _RUMPLE_M) + np.array([0.4, 1.9, 3.1]))
        vertices = moved + (_RUMPLE * push)[:, None] * shake
        pushed = np.maximum(pushed, push)
        _tear(mesh, slots, push, face, dent)
        if shape is not None:
            _blow_airbags(mesh, slots, dent, shape)
    glass = np.isin(slots, (Surface.GLASS, Surface.SALOON))
    slots[glass & (pushed > _CRAZES_M)] = Surface.GLASS_CRAZED
    slots[glass & (pushed > _FALLS_OUT_M)] = Surface.WELL  # the dark inside
    return replace(mesh.with_vertices(vertices.astype(np.float32)), slots=slots)


def cut_for(mesh: Mesh, dents: Sequence[Dent]) -> Mesh:
    """The same body, its struck parts cut into triangles that are small enough to crumple."""
    for _ in range(2):
        corners = mesh.vertices[mesh.triangles].astype(np.float64)
        middle = corners.mean(axis=1)
        longest = np.max(pm.norm(corners - np.roll(corners, 1, axis=1)), axis=1)
        near = np.zeros(len(middle), np.bool_)
        for dent in dents:
            near |= np.asarray(pm.norm(middle - np.array(dent.point_m))) < EDGE * dent.radius_m + 0.3
        mesh = subdivided(mesh, near & (longest > _FINE_M) & (mesh.parts[mesh.triangles[:, 0]] == BODY))
    return mesh


def _shares(vertices: Floats, dent: Dent) -> tuple[Floats, Floats]:
    """Of a dent's depth, how much each vertex gives way, and how far it lies behind the point that was struck."""
    inward = np.array(dent.direction)
    away = vertices - np.array(dent.point_m)
    ahead = np.asarray(pm.dot(away, inward))
    across = away - ahead[:, None] * inward
    if abs(inward[2]) < 0.7:
        beside, above = np.asarray(pm.norm(across[:, :2])), across[:, 2]
    else:  # on its roof
        beside, above = np.asarray(pm.norm(across)), np.zeros(len(vertices))
    aside = np.clip((EDGE * dent.radius_m - beside) / ((EDGE - PLATEAU) * dent.radius_m), 0.0, 1.0)
    zone_m = max(_CRUSH_ZONE_M, 2.1 * dent.depth_m)
    behind = np.clip(1.0 - np.maximum(ahead, -0.25) / zone_m, 0.0, 1.25)
    return aside * aside * (3.0 - 2.0 * aside) * behind * np.interp(above, _ABOVE_M, _SHARES_ABOVE), ahead


def _uneven(vertices: Floats, dent: Dent) -> Floats:
    """0.75 to 1.25: how unevenly the metal yields."""
    phase = pm.dot(np.array(dent.point_m), np.array([12.9898, 78.233, 37.719]))
    wave: Floats = pm.sin(pm.dot(vertices, np.array([9.1, 7.3, 11.7])) + phase) * pm.sin(
        pm.dot(vertices, np.array([-5.2, 8.8, 6.1]))
    )
    return 1.0 + 0.25 * wave


def _folded(mesh: Mesh, vertices: Floats, dent: Dent, shape: CarShape, body: NDArray[np.bool_]) -> Floats:
    """How far bonnet or boot lid rise, V metres."""
    rises = np.zeros(len(vertices))
    if abs(dent.direction[1]) < 0.6 or dent.depth_m < TEARS_M:
        return rises
    front = dent.direction[1] < 0.0
    half = shape.body.length_m / 2
    glass = shape.greenhouse.base[0] + 0.05 if front else -shape.greenhouse.base[1] + 0.05
    y = mesh.vertices[:, 1].astype(np.float64) * (1.0 if front else -1.0)
    if half - glass < 0.35:
        return rises
    along = (y - glass) / (half - glass)
    top = shape.top_m(mesh.vertices[:, 1].astype(np.float64))
    lid = body & (along > 0.0) & (mesh.vertices[:, 2] > _FLAT * top)
    beside = np.abs(mesh.vertices[:, 0] - dent.point_m[0]) / (1.2 * EDGE * dent.radius_m)
    fold = 1.0 - np.abs(np.clip(along, 0.0, 1.0) / 0.58 - 1.0)
    share = _BONNET_RISES if front else _BOOT_RISES
    inner = np.clip(1.25 - np.abs(mesh.vertices[:, 0]) / (0.5 * shape.body.width_m), 0.0, 1.0)
    high = min(share * dent.depth_m, _HIGHEST_M)
    rises[lid] = (high * np.maximum(fold, 0.0) * np.clip(1.0 - beside * beside, 0.0, 1.0) * (0.4 + 0.6 * inner))[lid]
    return rises


def _tear(mesh: Mesh, slots: NDArray[np.uint8], push: Floats, face: NDArray[np.bool_], dent: Dent) -> None:
    """Pieces of the struck face are gone, bare or black. A triangle's surface is that of its first corner."""
    if dent.depth_m < TEARS_M:
        return
    x, y, z = mesh.vertices.astype(np.float64).T
    along = x if abs(dent.direction[1]) > 0.6 else y
    cells = [np.floor(at / size).astype(np.int32) for at, size in zip((along, z), _PIECE_M, strict=True)]
    torn = hashed(*cells, np.full(len(x), 7, np.int32))
    kind = hashed(*cells, np.full(len(x), 11, np.int32))
    flank = abs(dent.direction[1]) <= 0.6
    share = np.clip((push - 0.5 * TEARS_M) / _WRECKED_M, 0.0, 0.85) * (_TORN_FLANK if flank else 1.0)
    skin = np.isin(mesh.slots, (Surface.PAINT, Surface.BOX, Surface.TRIM, Surface.GRILLE, Surface.PLATE))
    gone = face & skin & (torn < share)
    slots[gone & (kind < 0.55)] = Surface.WELL
    slots[gone & (kind >= 0.55)] = Surface.TORN
    if not flank:
        slots[gone & (kind >= 0.85)] = Surface.STEEL


def _blow_airbags(mesh: Mesh, slots: NDArray[np.uint8], dent: Dent, shape: CarShape) -> None:
    """Airbags show white behind the windscreen, or in the side windows next to the blow; windows that were struck
    are gone."""
    x, y, z = mesh.vertices.astype(np.float64).T
    glass = np.isin(mesh.slots, (Surface.GLASS, Surface.SALOON))
    house = shape.greenhouse
    sill = float(shape.top_m(np.array([0.0]))[0])
    low = z < sill + 0.30 * (house.top_m - sill)
    windscreen = glass & (y > house.top[0] - 0.05) & (np.abs(mesh.normals[:, 0]) < 0.6)
    if dent.direction[1] < -0.6 and dent.point_m[1] > 0.0 and dent.depth_m > AIRBAG_FRONT_M:
        slots[windscreen & low & (np.abs(x) > 0.1)] = Surface.AIRBAG
    if abs(dent.direction[0]) > 0.6 and dent.depth_m > AIRBAG_SIDE_M:
        flank = glass & (x * dent.direction[0] < 0.0) & (np.abs(mesh.normals[:, 0]) > 0.5)
        near = np.abs(y - dent.point_m[1])
        slots[flank & (near < 1.7)] = Surface.AIRBAG
        slots[flank & (near < 0.7)] = Surface.WELL
