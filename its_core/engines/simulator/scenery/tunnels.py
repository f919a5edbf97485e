"""The inside of a tunnel: walls, ceiling, rows of lamps, raised walkways, fans, signs and cabinets."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor
from its_core.engines.simulator.roads.layouts import Layout, Tube

_REACH_M = 300.0
_PIECE_M = 10.0  # lenses bend long edges
_WALKWAY_M = 0.22  # high
_PANELS_M = 3.1  # height up to which walls are panelled
_SPRINGS_M = 5.9  # height at which a vault begins: cameras hang below it
_STRIPE_M = (1.1, 1.4)  # between these heights runs a stripe
_STRIPES = (Surface.TUNNEL_PANEL, Surface.LIVERY_BLUE, Surface.AWNING_GREEN, Surface.SIGN_YELLOW)
_NEAR_M, _NEAR_PIECE_M = 6.0, 0.75
_LAMP_M = (1.5, 0.24)  # length and width
_FANS_EVERY_M = 75.0
_SIGNS_EVERY_M = 25.0


def tunnel_inside(layout: Layout, eye_y_m: float, rng: np.random.Generator) -> list[Mesh]:
    """In smaller pieces near the eye: what reaches behind it is not drawn."""
    assert layout.tube is not None
    tube, half_m = layout.tube, layout.carriageways[0][2]
    stripe = _STRIPES[int(rng.integers(len(_STRIPES)))]
    near = np.arange(-_NEAR_M, _NEAR_M, _NEAR_PIECE_M) + eye_y_m
    far = np.arange(-_REACH_M, _REACH_M + 1.0, _PIECE_M)
    along = np.concatenate([far[np.abs(far - eye_y_m) > _NEAR_M + 1.0], near])
    return [_shell(tube, half_m, np.sort(along), stripe), _lamps(tube, half_m), _fittings(tube, half_m, rng)]


def _shell(tube: Tube, half_m: float, along: NDArray[np.float64], stripe: Surface) -> Mesh:
    """Walkways, walls and ceiling swept along the road, and the dark at either end."""
    sculptor = Sculptor()
    profile = _profile(tube, half_m + tube.wall_m)
    points = np.empty((len(along), len(profile), 3))
    points[..., 0], points[..., 1], points[..., 2] = profile[:, 0], along[:, None], profile[:, 1]
    low = 0.5 * (profile[:-1, 1] + profile[1:, 1])
    cells = np.where(low < _PANELS_M, int(Surface.TUNNEL_PANEL), int(Surface.CONCRETE))
    cells = np.where((low > _STRIPE_M[0]) & (low < _STRIPE_M[1]), int(stripe), cells)
    cells = np.where(low > _SPRINGS_M, int(Surface.CONCRETE_DARK), cells).astype(np.uint8)
    # Each face apart: a tunnel's edges are sharp, but a vault is smooth.
    first = 0
    for last in _breaks(tube, len(profile)):
        sculptor.grid(points[:, first : last + 1], np.broadcast_to(cells[first:last], (len(along) - 1, last - first)))
        first = last
    for side in (1.0, -1.0):
        inner, outer = sorted((side * (half_m + 0.12), side * (half_m + tube.wall_m)))
        for y, end in pairwise(along.tolist()):
            sculptor.box((inner, y, 0.0), (outer, end, _WALKWAY_M), Surface.CONCRETE)
    for y in (-_REACH_M, _REACH_M):
        sculptor.polygon([(x, y, z) for x, z in profile.tolist()], Surface.CONCRETE_DARK)
    return sculptor.mesh()


def _profile(tube: Tube, wall_x: float) -> NDArray[np.float64]:
    """x and z of the cross section, from the foot of the western wall over the ceiling to that of the eastern one."""
    springs = _SPRINGS_M if tube.vaulted else tube.roof_m
    walls = [(-wall_x, z) for z in (0.0, *_STRIPE_M, _PANELS_M, springs)]
    if tube.vaulted:
        turns = np.linspace(np.pi, 0.0, 13)[1:-1]
        rise = tube.roof_m - springs
        roof = [(wall_x * float(pm.cos(t)), springs + rise * float(pm.sin(t))) for t in turns]
    else:
        roof = [(-wall_x / 3.0, springs), (wall_x / 3.0, springs)]
    return np.array([*walls, *roof, *((-x, z) for x, z in walls[::-1])])


def _breaks(tube: Tube, count: int) -> list[int]:
    """Where smooth faces of the profile end: at the edges of stripes and panels, and of a flat ceiling."""
    inner = [] if tube.vaulted else [4, count - 5]
    return sorted({1, 2, 3, *inner, count - 4, count - 3, count - 2, count - 1})


def _height_at(tube: Tube, half_m: float, x: float) -> float:
    """Of the ceiling."""
    wall_x = half_m + tube.wall_m
    if not tube.vaulted:
        return tube.roof_m
    return _SPRINGS_M + (tube.roof_m - _SPRINGS_M) * float(np.sqrt(max(1.0 - (x / wall_x) ** 2, 0.0)))


def _lamps(tube: Tube, half_m: float) -> Mesh:
    sculptor = Sculptor()
    long, wide = _LAMP_M
    lit = Surface.LUMINAIRE_LIT if tube.warm else Surface.LUMINAIRE_WHITE
    for x in (0.0,) if tube.rows == 1 else (-0.55 * half_m, 0.55 * half_m):
        z = _height_at(tube, half_m, x) - 0.25
        for y in np.arange(-_REACH_M + 4.0, _REACH_M, tube.lamps_m).tolist():
            sculptor.box((x - wide, y, z), (x + wide, y + long, z + 0.16), Surface.STEEL_DARK)
            corners = [(x - wide, y, z), (x - wide, y + long, z), (x + wide, y + long, z), (x + wide, y, z)]
            sculptor.polygon([(a, b, c - 0.01) for a, b, c in corners], lit)
    return sculptor.mesh()


def _fittings(tube: Tube, half_m: float, rng: np.random.Generator) -> Mesh:
    """Fans below the ceiling, lit signs of the ways out, cabinets with telephones, a tray of cables."""
    sculptor = Sculptor()
    wall_x = half_m + tube.wall_m
    first = float(rng.uniform(0.0, _FANS_EVERY_M))
    for y in np.arange(-_REACH_M + first, _REACH_M, _FANS_EVERY_M).tolist():
        for x in (-0.28 * half_m, 0.28 * half_m):
            z = _height_at(tube, half_m, x) - 0.75
            sculptor.tube(np.array([[x, y, z], [x, y + 3.2, z]]), [0.42, 0.42], Surface.STEEL, sides=10)
    first = float(rng.uniform(0.0, _SIGNS_EVERY_M))
    for number, y in enumerate(np.arange(-_REACH_M / 2 + first, _REACH_M / 2, _SIGNS_EVERY_M).tolist()):
        x = wall_x * (1.0 if number % 2 else -1.0)
        low, high = sorted((x, x * (1.0 - 0.06 / wall_x)))
        sculptor.box((low, y, 1.5), (high, y + 0.9, 2.1), Surface.SIGN_GREEN_LIT)
        low, high = sorted((x, x * (1.0 - 0.25 / wall_x)))
        if number % 3 == 0:
            sculptor.box((low, y + 1.6, _WALKWAY_M), (high, y + 2.5, 1.9), Surface.SIGN_RED)
    tray = wall_x - 0.18
    for y in np.arange(-_REACH_M, _REACH_M, _PIECE_M).tolist():
        for side in (1.0, -1.0):
            low, high = sorted((side * tray, side * wall_x))
            sculptor.box((low, y, 3.25), (high, y + _PIECE_M, 3.37), Surface.STEEL_DARK)
    return sculptor.mesh()
