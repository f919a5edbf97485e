"""What stands about a street: lamps, signal masts, guard rails, bins, cabinets, signs, benches."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor, joined
from its_core.engines.simulator.roads.layouts import Point, SignalHead

LAMP_HEIGHT_M = 7.6
LAMP_REACH_M = 1.7
LUMINAIRE_M = 0.6  # how far the lamp's head reaches beyond its arm
LAMP_RADIUS_M = 0.10  # of its mast at the foot
MAST_RADIUS_M = 0.115  # of a signal mast above its foot
MAST_ARM_M = 1.15  # of a signal mast above the lowest lamp of the heads it carries
HEAD_HALF_M = 0.30  # half the width of a signal head's back plate
PIECE_M, JOINT_M = 6.0, 0.05  # of a concrete barrier
POLE_HEIGHT_M, POLE_RADIUS_M = 7.9, 0.14  # of a utility pole
LENS_PITCH_M = 0.31
LENS_RADIUS_M = 0.125
_LENSES = (Surface.LENS_GREEN, Surface.LENS_AMBER, Surface.LENS_RED)  # from the bottom up


@lru_cache(maxsize=32)
def street_lamp(towards: tuple[float, float], lit: bool) -> Mesh:
    """A mast on the origin whose arm reaches along the unit vector ``towards``."""
    sculptor = Sculptor()
    out = np.array([*towards, 0.0])
    top = np.array([0.0, 0.0, LAMP_HEIGHT_M])
    mast = np.array([[0, 0, 0], [0, 0, 1.0], [0, 0, LAMP_HEIGHT_M - 0.6]])
    sculptor.tube(mast, [LAMP_RADIUS_M, 0.085, 0.06], Surface.STEEL)
    arm = np.array([top - [0, 0, 0.6], top - [0, 0, 0.15] + 0.3 * out, top + LAMP_REACH_M * out])
    sculptor.tube(arm, [0.06, 0.05, 0.04], Surface.STEEL, sides=6)
    head = np.array([top + (LAMP_REACH_M - 0.15) * out, top + (LAMP_REACH_M + LUMINAIRE_M) * out])
    sculptor.tube(head, [0.10, 0.07], Surface.STEEL_DARK, sides=6)
    under = Surface.LUMINAIRE_LIT if lit else Surface.LUMINAIRE_DARK
    centre = top + (LAMP_REACH_M + 0.22) * out - np.array([0.0, 0.0, 0.07])
    sculptor.ball(centre, (0.20, 0.20, 0.05), under, rings=4, sides=8)
    return sculptor.mesh()


def lamp_light_at(mast: Point, towards: tuple[float, float]) -> tuple[float, float, float]:
    """Where a lamp's light comes from."""
    reach = LAMP_REACH_M + 0.22
    return (mast[0] + reach * towards[0], mast[1] + reach * towards[1], LAMP_HEIGHT_M - 0.1)


def signal_lens(head: SignalHead, lamp: int) -> tuple[float, float, float]:
    """Middle of a head's lamp; 0 green (lowest), 1 amber, 2 red."""
    x, y, z = head.position_m
    turn = math.radians(head.facing_deg)
    front = 0.17
    return (x - front * pm.sin(turn), y + front * pm.cos(turn), z + LENS_PITCH_M * lamp)


def signal_mast(foot: Point, heads: list[SignalHead]) -> Mesh:
    """The mast and arm that carry the heads of one approach, and the heads with their lamps dark (world frame)."""
    sculptor = Sculptor()
    arm_z = heads[0].position_m[2] + MAST_ARM_M
    farthest = max(heads, key=lambda head: math.dist(head.position_m[:2], foot))
    base = np.array([*foot, 0.0])
    sculptor.tube(
        base + np.array([[0, 0, 0], [0, 0, 0.35], [0, 0, 0.36], [0, 0, arm_z + 0.3]]),
        [0.19, 0.19, MAST_RADIUS_M, 0.085],
        Surface.STEEL,
    )
    tip = np.array([*farthest.position_m[:2], arm_z + 0.25])
    joint = np.array([*foot, arm_z])
    beyond = tip + 0.5 * (tip - np.array([*foot, tip[2]])) / max(math.dist(tip[:2], foot), 1e-6)
    sculptor.tube(
        np.array([joint, (joint + beyond) / 2, beyond]),
        [0.085, 0.07, 0.05],
        Surface.STEEL,
        sides=7,
    )
    mast = sculptor.mesh()
    return joined([mast, *(_signal_head(head, arm_z) for head in heads)])


def _signal_head(head: SignalHead, arm_z: float) -> Mesh:
    """A three-lamp housing with visors and back plate, facing where it faces."""
    sculptor = Sculptor()
    x, y, z = head.position_m
    top = LENS_PITCH_M * 2 + 0.19
    sculptor.box((-0.18, -0.09, -0.19), (0.18, 0.12, top), Surface.HOUSING)
    sculptor.box((-HEAD_HALF_M, -0.10, -0.30), (HEAD_HALF_M, -0.08, top + 0.11), Surface.HOUSING)
    sculptor.box((-0.03, -0.06, top), (0.03, 0.0, arm_z - z + 0.25), Surface.STEEL)
    angle = np.arange(12) * (2.0 * np.pi / 12)
    for lamp, lens in enumerate(_LENSES):
        middle = LENS_PITCH_M * lamp
        disc = np.stack(
            [LENS_RADIUS_M * pm.cos(angle), np.full(12, 0.13), middle + LENS_RADIUS_M * pm.sin(angle)], axis=1
        )
        sculptor.polygon(disc[::-1], lens)
        hood = np.linspace(-0.35, np.pi + 0.35, 8)
        visor = [
            np.stack(
                [1.12 * LENS_RADIUS_M * pm.cos(hood), np.full(8, deep), middle + 1.12 * LENS_RADIUS_M * pm.sin(hood)],
                axis=1,
            )
            for deep in (0.12, 0.32)
        ]
        sculptor.grid(np.stack(visor), Surface.HOUSING)
    return sculptor.mesh().moved((x, y, z), math.radians(head.facing_deg))


def guard_rail(start: Point, end: Point) -> Mesh:
    """A W-beam rail on posts."""
    sculptor = Sculptor()
    length = math.dist(start, end)
    profile = [(0.0, 0.45), (0.05, 0.50), (0.05, 0.56), (0.0, 0.60), (0.05, 0.64), (0.05, 0.70), (0.0, 0.75)]
    along = np.linspace(0.0, length, max(2, int(length / 12.0)))
    grid = np.array([[[at, deep, z] for deep, z in profile] for at in along])
    sculptor.grid(grid, Surface.STEEL)
    for at in np.arange(0.0, length, 4.0):
        sculptor.box((at - 0.04, -0.09, 0.0), (at + 0.04, -0.01, 0.72), Surface.STEEL_DARK)
    turn = pm.atan2(end[1] - start[1], end[0] - start[0])
    return sculptor.mesh().moved((*start, 0.0), turn)


def median_barrier(start: Point, end: Point) -> Mesh:
    """A concrete barrier of the New Jersey profile, cast in pieces; its foot is soiled by what wheels throw up."""
    sculptor = Sculptor()
    length = math.dist(start, end)
    half = [(0.30, 0.0), (0.30, 0.08), (0.17, 0.33), (0.09, 0.81), (0.0, 0.82)]
    profile = half + [(-x, z) for x, z in half[-2::-1]]
    pieces = np.linspace(0.0, length, max(2, int(length / PIECE_M)))
    along = np.sort(np.concatenate([pieces, pieces[1:-1] + JOINT_M]))
    grid = np.array([[[at, -x, z] for x, z in profile] for at in along])
    cells = np.full((len(along) - 1, len(profile) - 1), int(Surface.CONCRETE), np.uint8)
    cells[:, [0, 1, -2, -1]] = Surface.CONCRETE_DARK
    cells[1::2] = Surface.STEEL_DARK
    sculptor.grid(grid, cells)
    turn = pm.atan2(end[1] - start[1], end[0] - start[0])
    return sculptor.mesh().moved((*start, 0.0), turn)


def litter_bin() -> Mesh:
    sculptor = Sculptor()
    sculptor.tube(np.array([[0, 0, 0.0], [0, 0, 0.85], [0, 0, 0.95]]), [0.24, 0.27, 0.22], Surface.BIN_GREEN, sides=10)
    return sculptor.mesh()


def cabinet() -> Mesh:
    """The signal controller's cabinet."""
    sculptor = Sculptor()
    sculptor.box((-0.45, -0.25, 0.10), (0.45, 0.25, 1.35), Surface.CABINET)
    sculptor.box((-0.50, -0.30, 1.35), (0.50, 0.30, 1.41), Surface.STEEL)
    sculptor.box((-0.50, -0.30, 0.0), (0.50, 0.30, 0.10), Surface.CONCRETE)
    return sculptor.mesh()


def hedge(length_m: float, rng: np.random.Generator) -> Mesh:
    """A clipped hedge along x, its leaves in patches of light and dark."""
    sculptor = Sculptor()
    columns = max(3, int(length_m / 0.15))
    along = np.linspace(-length_m / 2, length_m / 2, columns)
    profile = [(-0.32, 0.0), (-0.34, 0.35), (-0.27, 0.70), (0.0, 0.76), (0.27, 0.70), (0.34, 0.35), (0.32, 0.0)]
    grid = np.array([[[x, y, z] for y, z in profile] for x in along])
    grid += rng.uniform(-0.045, 0.045, grid.shape)
    grid[..., 2] = np.maximum(grid[..., 2], 0.0)
    leaves = int(Surface.LEAF_1) + rng.integers(0, 3, (columns - 1, len(profile) - 1))
    sculptor.grid(grid, leaves.astype(np.uint8))
    return sculptor.mesh()


def railing(length_m: float) -> Mesh:
    """A fence of bars along x."""
    sculptor = Sculptor()
    for z in (0.15, 0.92):
        sculptor.box((-length_m / 2, -0.02, z), (length_m / 2, 0.02, z + 0.05), Surface.STEEL_DARK)
    for x in np.arange(-length_m / 2, length_m / 2 + 1e-6, 0.30):
        sculptor.box((x - 0.012, -0.012, 0.0), (x + 0.012, 0.012, 0.97), Surface.STEEL_DARK)
    return sculptor.mesh()


def low_wall(length_m: float) -> Mesh:
    sculptor = Sculptor()
    sculptor.box((-length_m / 2, -0.14, 0.0), (length_m / 2, 0.14, 0.58), Surface.BRICK_TRIM)
    sculptor.box((-length_m / 2, -0.18, 0.58), (length_m / 2, 0.18, 0.66), Surface.STONE)
    return sculptor.mesh()


def planter() -> Mesh:
    """A trough of concrete with shrubs in it."""
    sculptor = Sculptor()
    sculptor.box((-0.75, -0.35, 0.0), (0.75, 0.35, 0.48), Surface.CONCRETE)
    for x, leaf in ((-0.45, Surface.LEAF_2), (0.0, Surface.LEAF_4), (0.45, Surface.LEAF_3)):
        sculptor.ball((x, 0.0, 0.58), (0.34, 0.30, 0.26), leaf, rings=5, sides=8)
    return sculptor.mesh()


def hydrant() -> Mesh:
    sculptor = Sculptor()
    path = np.array([[0, 0, z] for z in (0.0, 0.06, 0.08, 0.55, 0.62, 0.72)])
    sculptor.tube(path, [0.16, 0.16, 0.11, 0.11, 0.13, 0.05], Surface.HYDRANT)
    sculptor.tube(np.array([[-0.2, 0, 0.45], [0.2, 0, 0.45]]), [0.06, 0.06], Surface.HYDRANT, sides=6)
    return sculptor.mesh()


def bench() -> Mesh:
    sculptor = Sculptor()
    for depth in (-0.16, 0.0, 0.16):
        sculptor.box((-0.85, depth - 0.06, 0.42), (0.85, depth + 0.06, 0.46), Surface.WOOD)
    for height in (0.62, 0.78):
        sculptor.box((-0.85, -0.27, height), (0.85, -0.23, height + 0.11), Surface.WOOD)
    for side in (-0.7, 0.7):
        sculptor.box((side - 0.03, -0.26, 0.0), (side + 0.03, 0.2, 0.42), Surface.STEEL_DARK)
    return sculptor.mesh()


def sign(face: Surface, wide_m: float, tall_m: float, foot_m: float = 2.1) -> Mesh:
    """A plate on a post, facing north."""
    sculptor = Sculptor()
    sculptor.tube(np.array([[0, 0, 0], [0, 0, foot_m + tall_m]]), [0.035, 0.035], Surface.STEEL, sides=6)
    sculptor.box((-wide_m / 2, 0.035, foot_m), (wide_m / 2, 0.06, foot_m + tall_m), face)
    sculptor.box(
        (-wide_m / 2 - 0.02, 0.03, foot_m - 0.02), (wide_m / 2 + 0.02, 0.04, foot_m + tall_m + 0.02), Surface.SIGN_WHITE
    )
    _pictogram(sculptor, face, wide_m, tall_m, foot_m)
    return sculptor.mesh()


def _pictogram(sculptor: Sculptor, face: Surface, wide_m: float, tall_m: float, foot_m: float) -> None:
    """A shape on a sign's plate: an arrow on blue, a bar on red, lines of writing on white and green."""
    y, middle = 0.068, foot_m + tall_m / 2

    def shape(*points: tuple[float, float], surface: Surface = Surface.SIGN_WHITE) -> None:
        corners = [(-a * wide_m, y, middle + b * tall_m) for a, b in points]
        sculptor.polygon(corners, surface)

    if face is Surface.SIGN_BLUE:
        shape((-0.07, -0.36), (0.07, -0.36), (0.07, 0.10), (-0.07, 0.10))
        shape((-0.26, 0.08), (0.26, 0.08), (0.0, 0.38))
    elif face is Surface.SIGN_RED:
        shape((-0.34, -0.10), (0.34, -0.10), (0.34, 0.10), (-0.34, 0.10))
    else:
        dark = Surface.HOUSING if face is Surface.SIGN_WHITE else Surface.SIGN_WHITE
        for line, (start, end) in enumerate(((-0.36, 0.30), (-0.36, 0.12), (-0.36, 0.34))):
            low = 0.24 - 0.27 * line
            shape((start, low - 0.06), (end, low - 0.06), (end, low + 0.06), (start, low + 0.06), surface=dark)


def marker_post() -> Mesh:
    """A white post with a reflector that marks the edge of a road, facing south."""
    sculptor = Sculptor()
    sculptor.box((-0.06, -0.04, 0.0), (0.06, 0.04, 0.95), Surface.SIGN_WHITE)
    sculptor.box((-0.062, -0.042, 0.68), (0.062, 0.042, 0.85), Surface.HOUSING)
    return sculptor.mesh()


def utility_pole() -> Mesh:
    """A wooden pole whose crossarm lies along x."""
    sculptor = Sculptor()
    height = POLE_HEIGHT_M
    sculptor.tube(
        np.array([[0, 0, 0], [0, 0, 4.0], [0, 0, height]]), [POLE_RADIUS_M, 0.125, 0.10], Surface.BARK, sides=8
    )
    sculptor.box((-0.95, -0.06, 7.25), (0.95, 0.06, 7.40), Surface.BARK)
    for x in (-0.8, 0.8):
        sculptor.tube(np.array([[x, 0, 7.40], [x, 0, 7.58]]), [0.05, 0.04], Surface.STONE, sides=6)
    return sculptor.mesh()


def gantry(span_m: tuple[float, float], height_m: float = 6.2) -> Mesh:
    """A sign gantry across x1..x2, facing north and south, over the origin of y."""
    sculptor = Sculptor()
    x1, x2 = span_m
    for x in (x1, x2):
        sculptor.tube(np.array([[x, 0, 0], [x, 0, height_m + 1.0]]), [0.20, 0.16], Surface.STEEL)
    for z in (height_m, height_m + 1.0):
        sculptor.box((x1, -0.10, z - 0.08), (x2, 0.10, z + 0.08), Surface.STEEL)
    for x in np.arange(x1 + 0.8, x2 - 0.8, 1.6):
        sculptor.tube(
            np.array([[x, 0, height_m], [x + 0.8, 0, height_m + 1.0], [x + 1.6, 0, height_m]]),
            [0.04] * 3,
            Surface.STEEL,
            sides=4,
        )
    middle = (x1 + x2) / 2
    for side, at in ((1, (x1 + middle) / 2), (-1, (x2 + middle) / 2)):
        sculptor.box(
            (at - 2.6, 0.15 * side - 0.04, height_m - 0.9),
            (at + 2.6, 0.15 * side + 0.04, height_m + 1.5),
            Surface.SIGN_GREEN,
        )
        for row in (0.0, 0.75):
            y = 0.20 * side
            sculptor.box(
                (at - 1.9, y - 0.01, height_m - 0.35 + row),
                (at + 1.2, y + 0.01, height_m - 0.08 + row),
                Surface.SIGN_WHITE,
            )
    return sculptor.mesh()
