"""People on foot: an articulated figure and its walk."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import kernel
from its_core.engines.simulator.dimensions import PEDESTRIAN_HEIGHT_M
from its_core.engines.simulator.meshes.frights import Fright
from its_core.engines.simulator.meshes.gaits import BRISK_MPS, LEG_M, Gait, gait_of, struck_step, swing_rad
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor
from its_core.engines.simulator.portable_math import cos, cos_scalar, product, sin, sin_scalar
from its_core.engines.simulator.randomness import rng_of
from its_core.taxonomy import Colour

Floats = NDArray[np.float64]

TORSO, HEAD, THIGH_L, SHIN_L, THIGH_R, SHIN_R, ARM_L, FOREARM_L, ARM_R, FOREARM_R = range(10)
_PARTS = 10
_OUTWARDS = 0.12  # of arms that hang
_MOST_BRISK = 1.6  # knees, elbows and shoulders do no more, however fast somebody runs
_SCALE = PEDESTRIAN_HEIGHT_M / 1.74
# Where each part hangs: the joint in the frame of what carries it, and the carrier.
_JOINTS: dict[int, tuple[tuple[float, float, float], int | None]] = {
    TORSO: ((0.0, 0.0, 0.93), None),
    HEAD: ((0.0, 0.01, 0.50), TORSO),
    THIGH_L: ((-0.095, 0.0, 0.93), None),
    SHIN_L: ((0.0, 0.0, -0.44), THIGH_L),
    THIGH_R: ((0.095, 0.0, 0.93), None),
    SHIN_R: ((0.0, 0.0, -0.44), THIGH_R),
    ARM_L: ((-0.198, 0.0, 0.445), TORSO),
    FOREARM_L: ((0.0, 0.0, -0.29), ARM_L),
    ARM_R: ((0.198, 0.0, 0.445), TORSO),
    FOREARM_R: ((0.0, 0.0, -0.29), ARM_R),
}
_HANGING = np.array([joint for joint, _ in _JOINTS.values()])
_CARRIERS = np.array([-1 if carrier is None else carrier for _, carrier in _JOINTS.values()])
_TOPS = {
    Colour.WHITE: Surface.CLOTH_WHITE, Colour.SILVER: Surface.CLOTH_GREY, Colour.GREY: Surface.CLOTH_GREY,
    Colour.BLACK: Surface.CLOTH_BLACK, Colour.RED: Surface.CLOTH_RED, Colour.BLUE: Surface.CLOTH_BLUE,
    Colour.GREEN: Surface.CLOTH_GREEN, Colour.YELLOW: Surface.CLOTH_YELLOW, Colour.ORANGE: Surface.CLOTH_ORANGE,
    Colour.BROWN: Surface.CLOTH_BROWN, Colour.BEIGE: Surface.CLOTH_BEIGE,
}  # fmt: skip
# Of workers on the road: what their vests, helmets and trousers are made of, by the colour of the vest.
VESTS: dict[Colour, dict[Surface, Surface]] = {
    Colour.YELLOW: {
        Surface.TOP: Surface.VEST_YELLOW, Surface.BOTTOM: Surface.CLOTH_NAVY, Surface.HAIR: Surface.SIGN_WHITE,
    },
    Colour.ORANGE: {
        Surface.TOP: Surface.VEST_ORANGE, Surface.BOTTOM: Surface.VEST_ORANGE, Surface.HAIR: Surface.SIGN_YELLOW,
    },
}  # fmt: skip
_BOTTOMS = [
    Surface.CLOTH_DENIM, Surface.CLOTH_BLACK, Surface.CLOTH_NAVY, Surface.CLOTH_GREY, Surface.CLOTH_BROWN,
    Surface.CLOTH_BEIGE, Surface.CLOTH_DENIM,
]  # fmt: skip
_SKINS = [Surface.SKIN_FAIR, Surface.SKIN_OLIVE, Surface.SKIN_BROWN, Surface.SKIN_DARK]
_HAIRS = [Surface.HAIR_BLACK, Surface.HAIR_BROWN, Surface.HAIR_BLOND, Surface.HAIR_GREY]


@dataclass(frozen=True, slots=True)
class Stature:
    """How one person differs from the next: size, breadth, a bag on the back, long hair, a skirt or coat; a vest with
    reflecting bands and a helmet."""

    height: float
    breadth: float
    bag: bool
    long_hair: bool
    coat: bool
    vest: bool = False
    shorts: bool = False
    cycle_helmet: bool = False
    full_face: bool = False  # a motorcyclist's helmet, and sleeves down to the gloves


def at_work(person: Stature) -> Stature:
    """The same person in the vest and helmet of road works."""
    return replace(person, bag=False, long_hair=False, coat=False, vest=True)


def clothes(look: int, colour: Colour) -> dict[Surface, Surface]:
    """What a person wears and looks like; the top has the colour that is asked for."""
    rng = rng_of("clothes", look)
    return {
        Surface.TOP: _TOPS[colour],
        Surface.BOTTOM: _BOTTOMS[int(rng.integers(len(_BOTTOMS)))],
        Surface.SKIN: _SKINS[int(rng.integers(len(_SKINS)))],
        Surface.HAIR: _HAIRS[int(rng.integers(len(_HAIRS)))],
        Surface.SHOES: Surface.LEATHER if rng.random() < 0.7 else Surface.CLOTH_WHITE,
    }


def stature(look: int) -> Stature:
    rng = rng_of("stature", look)
    return Stature(
        height=float(rng.uniform(0.92, 1.05)),
        breadth=float(rng.uniform(0.90, 1.14)),
        bag=bool(rng.random() < 0.3),
        long_hair=bool(rng.random() < 0.4),
        coat=bool(rng.random() < 0.35),
    )


@cache
def figure(person: Stature) -> Mesh:
    """The figure's mesh, each part about its own joint, hanging straight down (torso and head: straight up)."""
    sculptor = Sculptor()
    _torso(sculptor, person)
    _head(sculptor, person)
    for thigh, shin in ((THIGH_L, SHIN_L), (THIGH_R, SHIN_R)):
        _limb(sculptor, thigh, Surface.BOTTOM, 0.44, 0.088, 0.062)
        _limb(sculptor, shin, Surface.SKIN if person.shorts else Surface.BOTTOM, 0.42, 0.060, 0.045)
        sculptor.ball((0.0, 0.055, -0.455), (0.046, 0.135, 0.045), Surface.SHOES, rings=4, sides=8, part=shin)
    for arm, forearm in ((ARM_L, FOREARM_L), (ARM_R, FOREARM_R)):
        sculptor.ball((0.0, 0.0, -0.015), (0.054, 0.060, 0.060), Surface.TOP, rings=4, sides=7, part=arm)
        _limb(sculptor, arm, Surface.TOP, 0.29, 0.055, 0.046)
        _limb(sculptor, forearm, Surface.TOP if person.coat or person.full_face else Surface.SKIN, 0.25, 0.043, 0.032)
        sculptor.ball((0.0, 0.01, -0.30), (0.032, 0.042, 0.062), Surface.SKIN, rings=4, sides=6, part=forearm)
    mesh = sculptor.mesh()
    size = np.array([person.height * person.breadth, person.height * person.breadth, person.height])
    return mesh.with_vertices((mesh.vertices * size * _SCALE).astype(np.float32))


def _limb(sculptor: Sculptor, part: int, slot: int, length: float, wide: float, narrow: float) -> None:
    z = np.linspace(0.02, -length, 5)
    path = np.stack([np.zeros(5), np.zeros(5), z], axis=1)
    radii = list(np.linspace(wide, narrow, 5) * np.array([0.85, 1.05, 1.0, 1.0, 0.95]))
    sculptor.tube(path, radii, slot, sides=7, part=part)


def _torso(sculptor: Sculptor, person: Stature) -> None:
    levels = [
        (-0.10, 0.150, 0.105), (-0.02, 0.165, 0.115), (0.10, 0.150, 0.105), (0.22, 0.158, 0.110), (0.36, 0.185, 0.118),
        (0.45, 0.185, 0.105), (0.50, 0.130, 0.080), (0.53, 0.060, 0.055),
    ]  # fmt: skip
    angle = np.arange(10) * (2.0 * np.pi / 10)
    rings = [np.stack([half * cos(angle), deep * sin(angle), np.full(10, z)], axis=1) for z, half, deep in levels]
    cells = np.full((len(levels) - 1, 10), int(Surface.TOP), np.uint8)
    cells[0] = Surface.BOTTOM
    if person.vest:
        cells[2] = Surface.REFLECTOR
    sculptor.grid(np.stack(rings), cells, part=TORSO, closed=True, flipped=True)
    if person.coat:
        skirt = [
            np.stack([half * cos(angle), deep * sin(angle), np.full(10, z)], axis=1)
            for z, half, deep in ((-0.34, 0.215, 0.165), (0.02, 0.172, 0.122))
        ]
        sculptor.grid(np.stack(skirt), Surface.TOP, part=TORSO, closed=True, flipped=True)
    if person.bag:
        sculptor.ball((0.0, -0.13, 0.28), (0.12, 0.075, 0.17), Surface.LEATHER, rings=5, sides=8, part=TORSO)


def _head(sculptor: Sculptor, person: Stature) -> None:
    sculptor.tube(np.array([[0.0, 0.0, 0.0], [0.0, 0.01, 0.10]]), [0.052, 0.05], Surface.SKIN, sides=7, part=HEAD)
    sculptor.ball((0.0, 0.025, 0.18), (0.075, 0.092, 0.115), Surface.SKIN, rings=7, sides=10, part=HEAD)
    sculptor.ball((0.0, -0.008, 0.212), (0.084, 0.098, 0.098), Surface.HAIR, rings=6, sides=10, part=HEAD)
    if person.vest:
        sculptor.ball((0.0, 0.0, 0.235), (0.118, 0.142, 0.095), Surface.HAIR, rings=5, sides=10, part=HEAD)
    if person.cycle_helmet:
        sculptor.ball((0.0, -0.01, 0.245), (0.098, 0.135, 0.075), Surface.HELMET, rings=5, sides=10, part=HEAD)
    if person.full_face:
        sculptor.ball((0.0, 0.025, 0.19), (0.130, 0.155, 0.150), Surface.HELMET, rings=6, sides=10, part=HEAD)
        sculptor.ball((0.0, 0.095, 0.20), (0.095, 0.095, 0.050), Surface.GLASS, rings=5, sides=8, part=HEAD)
    if person.long_hair:
        sculptor.ball((0.0, -0.055, 0.12), (0.072, 0.05, 0.14), Surface.HAIR, rings=5, sides=8, part=HEAD)


def limbs(
    person: Stature, gait: Gait, stride_rad: float, speed_mps: float, fright: Fright | None = None, felt: float = 0.0
) -> tuple[Floats, Floats]:
    """How each part of a figure in mid-step is turned (P×3×3) and where its joint is (P×3), in the body frame.

    ``stride_rad`` is the phase of the walk, ``speed_mps`` 0 (standing) and more, ``felt`` 0 to 1: how much of a
    ``fright`` shows.
    """
    scale = person.height * _SCALE
    swing = swing_rad(speed_mps, LEG_M * scale)
    drop = LEG_M * scale * (1.0 - _cosine(0.9 * swing * _sine(stride_rad))) * 0.55
    angles = _angles(gait, stride_rad, swing, speed_mps)
    if fright is not None and felt > 0.0:
        _frighten(angles, fright, felt)
        drop += LEG_M * scale * (1.0 - _cosine(felt * fright.crouch_rad))
    return hung(person, angles, np.array([0.0, 0.0, -drop]))


def toiling(person: Stature, phase_rad: float) -> tuple[Floats, Floats]:
    """``limbs`` of somebody who stands at work with both hands, bending down and straightening up."""
    down = 0.5 - 0.5 * _cosine(phase_rad)
    angles = np.zeros((_PARTS, 3))
    angles[TORSO, :2] = -0.12 - 0.55 * down, 0.35 * _sine(phase_rad)
    angles[HEAD, 0] = -0.15
    angles[[THIGH_L, THIGH_R], 0] = 0.35 * down + 0.08, 0.35 * down - 0.08
    angles[[SHIN_L, SHIN_R], 0] = -0.7 * down
    angles[[ARM_L, ARM_R], 0] = 1.05 - 0.35 * down, 0.85 + 0.25 * down
    angles[[ARM_L, ARM_R], 2] = 0.18, -0.18
    angles[[FOREARM_L, FOREARM_R], 0] = 0.75 - 0.5 * down, 0.95 - 0.5 * down
    drop = LEG_M * person.height * _SCALE * (1.0 - _cosine(0.35 * down))
    return hung(person, angles, np.array([0.0, 0.0, -drop]))


def hung(person: Stature, angles: Floats, hips_m: Floats) -> tuple[Floats, Floats]:
    """Parts turned by ``angles`` relative to what carries them, the hips moved by ``hips_m``: as ``limbs``. ``angles``
    P×3, radians: forwards (what hangs down swings so), then about z, then outwards (to the left)."""
    return _hung(angles, _HANGING, _CARRIERS, person.height * _SCALE, person.breadth, hips_m)


@kernel
def _hung(
    angles: Floats, joints: Floats, carriers: NDArray[np.int64], scale: float, breadth: float, hips: Floats
) -> tuple[Floats, Floats]:
    turns, places = np.empty((_PARTS, 3, 3)), np.empty((_PARTS, 3))
    for part in range(_PARTS):
        c, s = cos_scalar(angles[part, 0]), sin_scalar(angles[part, 0])
        cz, sz = cos_scalar(angles[part, 1]), sin_scalar(angles[part, 1])
        ct, st = cos_scalar(angles[part, 2]), sin_scalar(angles[part, 2])
        own = np.empty((3, 3))
        for column in range(3):
            x = (cz, -sz * c, sz * s)[column]
            y = (sz, cz * c, cz * -s)[column]
            z = (0.0, s, c)[column]
            own[0, column], own[1, column], own[2, column] = ct * x - st * z, y, st * x + ct * z
        x, y, z = joints[part, 0] * scale, joints[part, 1] * scale, joints[part, 2] * scale
        if part in (HEAD, ARM_L, ARM_R):
            x, y = x * breadth, y * breadth
        carrier = carriers[part]
        if carrier < 0:
            turns[part] = own
            places[part, 0], places[part, 1], places[part, 2] = x + hips[0], y + hips[1], z + hips[2]
            continue
        for row in range(3):
            a, b, d = turns[carrier, row, 0], turns[carrier, row, 1], turns[carrier, row, 2]
            places[part, row] = a * x + b * y + d * z + places[carrier, row]
            for column in range(3):
                turns[part, row, column] = a * own[0, column] + b * own[1, column] + d * own[2, column]
    return turns, places


# Of the capsules that physics lets fall (``physics.limp_body``): the part, and its joint from the capsule's middle.
_CAPSULES = (
    (TORSO, (0.0, 0.0, -0.33)), (THIGH_L, (0.0, 0.0, 0.22)), (SHIN_L, (0.0, 0.0, 0.22)), (THIGH_R, (0.0, 0.0, 0.22)),
    (SHIN_R, (0.0, 0.0, 0.22)), (ARM_L, (0.022, 0.0, 0.295)), (ARM_R, (-0.022, 0.0, 0.295)),
)  # fmt: skip
# What follows limply, of each as it comes to lie: bends of elbows, nods and turns of the head.
_ELBOWS_RAD, _NODS_RAD, _HEAD_TURNS_RAD = (0.2, 1.3), (-0.45, 0.3), (-0.8, 0.8)


@cache
def _slump(look: int) -> tuple[float, float, float, float]:
    """Bends of left and right elbow, the head's nod and turn of somebody who lies, radians."""
    rng = rng_of("slump", look)
    ranges = (_ELBOWS_RAD, _ELBOWS_RAD, _NODS_RAD, _HEAD_TURNS_RAD)
    left, right, nod, turn = (float(rng.uniform(*each)) for each in ranges)
    return left, right, nod, turn


def fallen(
    person: Stature,
    middles: Floats,
    rotations: Floats,
    trailing: Floats,
    slumped: Floats,
    fright: Fright,
    held: float,
    bearing: Floats,
) -> tuple[Floats, Floats]:
    """Turns and joints, in the world, of somebody whose seven capsules lie at ``middles`` 7×3, turned by ``rotations``
    7×3×3. ``trailing`` 3×3: how the torso was turned a moment ago, as the head still is; ``slumped``: what the function
    of that name gives; ``held``, 0 to 1: how much of a ``fright`` arms and head still show; ``bearing`` 2×2: what is
    left of ``own_bearing``."""
    scale = person.height * _SCALE
    turns, places = np.empty((_PARTS, 3, 3)), np.empty((_PARTS, 3))
    for (part, joint), middle, rotation in zip(_CAPSULES, middles, rotations, strict=True):
        turns[part], places[part] = rotation, middle + product(rotation, np.array(joint))
    left, right, nod, turn = slumped.tolist()
    turns[HEAD] = product(trailing, _turned(nod + held * fright.head[0], turn + held * fright.head[1]))
    for side, (arm, forearm, limp) in enumerate(((ARM_L, FOREARM_L, left), (ARM_R, FOREARM_R, right))):
        share, (bent, tilted) = held * fright.reach[side], fright.elbows[side]
        shin, swung = bearing[side]
        turns[(SHIN_L, SHIN_R)[side]] = product(turns[(SHIN_L, SHIN_R)[side]], _bent(shin))
        arms = (share * angle for angle in fright.arms[side])
        turns[arm] = product(turns[arm], product(_bent((1.0 - share) * swung), _turned(*arms)))
        turns[forearm] = product(turns[arm], _turned(limp + share * (bent - limp), 0.0, share * tilted))
    for part, carrier in ((HEAD, TORSO), (FOREARM_L, ARM_L), (FOREARM_R, ARM_R)):
        places[part] = places[carrier] + product(turns[carrier], np.array(_JOINTS[part][0]) * scale)
    return turns, places


def slumped(look: int, speed_mps: float, share: float) -> Floats:
    """Bends of elbows, the head's nod and turn on the way to how somebody comes to lie, 0 (just struck at that speed)
    to 1."""
    angles = _angles(gait_of(look), 0.0, 0.0, speed_mps)
    upright = np.array([angles[FOREARM_L, 0], angles[FOREARM_R, 0], angles[HEAD, 0], 0.0])
    return np.asarray(upright + share * (np.array(_slump(look)) - upright))


def own_bearing(person: Stature, gait: Gait, stride_rad: float, speed_mps: float) -> Floats:
    """2×2 (left, right; shin, arm): by how much a person's limbs are turned farther in mid-step than those with which
    physics lets them fall, radians."""
    angles = _angles(gait, stride_rad, swing_rad(speed_mps, LEG_M * person.height * _SCALE), speed_mps)[:, 0]
    _, shins, arms = struck_step(stride_rad, speed_mps)
    shown = [
        [angles[thigh] + angles[shin], angles[TORSO] + angles[arm]]
        for thigh, shin, arm in ((THIGH_L, SHIN_L, ARM_L), (THIGH_R, SHIN_R, ARM_R))
    ]
    return np.asarray(np.array(shown) - np.stack([shins, arms], axis=1))


def _angles(gait: Gait, stride: float, swing: float, speed_mps: float) -> Floats:
    """The turn of each part relative to what carries it, as ``hung`` takes it. ``swing``: of the thighs, radians."""
    brisk, at = min(speed_mps / BRISK_MPS, _MOST_BRISK), _sine(stride)

    def knee(phase: float) -> float:
        return brisk * (0.12 + 0.75 * max(0.0, _sine(phase)) ** 2)

    lean, elbow = gait.lean_rad * brisk, 0.25 * brisk
    (left, right), (left_elbow, right_elbow) = gait.arms, gait.elbows_rad
    return np.array(
        [
            (lean, gait.twist_rad * brisk * at, 0.0),
            (gait.nod_rad - 0.5 * lean, 0.0, 0.0),
            (swing * at, 0.0, 0.0),
            (-knee(stride + 1.9), 0.0, 0.0),
            (-swing * at, 0.0, 0.0),
            (-knee(stride + math.pi + 1.9), 0.0, 0.0),
            (-left * swing * at, 0.0, -_OUTWARDS),
            (left_elbow + elbow, 0.0, 0.0),
            (right * swing * at, 0.0, _OUTWARDS),
            (right_elbow + elbow, 0.0, 0.0),
        ]
    )


def _frighten(angles: Floats, fright: Fright, felt: float) -> None:
    """Arms leave the walk for the fright's; torso, head and knees add it to the walk."""
    angles[TORSO, :2] += felt * np.array(fright.torso)
    angles[HEAD, :2] += felt * np.array(fright.head)
    angles[[THIGH_L, THIGH_R], 0] += felt * fright.crouch_rad
    angles[[SHIN_L, SHIN_R], 0] -= 2.0 * felt * fright.crouch_rad
    for side, (arm, forearm) in enumerate(((ARM_L, FOREARM_L), (ARM_R, FOREARM_R))):
        share = felt * fright.reach[side]
        angles[arm] += share * (np.array(fright.arms[side]) - angles[arm])
        bent, tilted = fright.elbows[side]
        angles[forearm] += share * (np.array([bent, 0.0, tilted]) - angles[forearm])


def _sine(angle: float) -> float:
    return float(sin(angle))


def _cosine(angle: float) -> float:
    return float(cos(angle))


def _turned(forwards: float, about: float, outwards: float = 0.0) -> Floats:
    """3×3, of the angles that ``hung`` takes."""
    c, s = _cosine(outwards), _sine(outwards)
    aside = np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])
    return product(aside, product(_about(about), _bent(forwards)))


def _bent(forward: float) -> Floats:
    """What hangs down swings forwards, what stands up leans back."""
    c, s = _cosine(forward), _sine(forward)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def _about(turn: float) -> Floats:
    """About the body's own axis, to the left."""
    c, s = _cosine(turn), _sine(turn)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
