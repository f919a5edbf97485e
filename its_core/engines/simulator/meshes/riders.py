"""Bicycles, motorcycles, and how people sit on them."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.meshes.car_fittings import add_wheel
from its_core.engines.simulator.meshes.materials import Surface
from its_core.engines.simulator.meshes.mesh import Mesh, Sculptor
from its_core.engines.simulator.meshes.pedestrians import (
    ARM_L,
    ARM_R,
    FOREARM_L,
    FOREARM_R,
    HEAD,
    SHIN_L,
    SHIN_R,
    THIGH_L,
    THIGH_R,
    TORSO,
    Stature,
    clothes,
    hung,
    stature,
)
from its_core.taxonomy import Colour, ParticipantType

Floats = NDArray[np.float64]

_SEAT_M = {ParticipantType.MOTORCYCLE: 0.80, ParticipantType.BICYCLE: 0.93}
_SEAT_Y_M = -0.16
_HIPS_OVER_SEAT_M = 0.06
_PEDAL_SHARE = 0.42  # turns of the pedals for a turn of the wheels
_CRANK_AT_M, _CRANK_M = (-0.08, 0.29), 0.165  # ahead and up; the length of its arms
_ANKLE_M = 0.045  # over the pedal
_BAR_AT_M = (0.36, 1.03)  # a bicycle's, ahead and up
_THIGH_M, _SHIN_M, _ARM_M, _SHOULDER_M = 0.44, 0.46, 0.29, 0.445  # of a person of the usual height
_LEAN_RAD = -0.42  # of a cyclist
_BICYCLE_TYRE_M = 0.020  # half of its width
_SPOKES = 12
_STANDS_BELOW_MPS = 1.0  # slower, feet leave the pedals for the ground
_HELMETS_EVERY = 3  # one of three cyclists wears a helmet
_JACKETS = (Surface.CLOTH_BLACK, Surface.CLOTH_BLACK, Surface.LEATHER, Surface.CLOTH_GREY, Surface.CLOTH_RED)
_HELMETS = (
    Surface.CLOTH_BLACK, Surface.SIGN_WHITE, Surface.CLOTH_RED, Surface.CLOTH_GREY, Surface.CLOTH_BLACK,
    Surface.CLOTH_BLUE, Surface.SIGN_WHITE,
)  # fmt: skip


def rider(look: int, kind: ParticipantType) -> tuple[Stature, dict[Surface, Surface]]:
    """Who rides a machine and what they wear: on bicycles everyday clothes, often with bare shins and without a
    helmet; on motorcycles a dark jacket, gloves and a full-face helmet."""
    person = replace(stature(look), coat=False, bag=False, vest=False)
    worn = clothes(look, list(Colour)[look % len(Colour)])
    if kind is ParticipantType.BICYCLE:
        helmet = look % _HELMETS_EVERY == 0
        if helmet:
            worn[Surface.HELMET] = _HELMETS[look % len(_HELMETS)]
        return replace(person, shorts=look % 2 == 1, cycle_helmet=helmet), worn
    worn |= {
        Surface.TOP: _JACKETS[look % len(_JACKETS)],
        Surface.BOTTOM: Surface.CLOTH_BLACK if look % 2 else Surface.CLOTH_DENIM,
        Surface.SKIN: Surface.LEATHER,
        Surface.SHOES: Surface.LEATHER,
        Surface.HELMET: _HELMETS[look % len(_HELMETS)],
    }
    return replace(person, long_hair=False, breadth=1.1 * person.breadth, full_face=True), worn


@cache
def two_wheeler_mesh(kind: ParticipantType) -> Mesh:
    """Machine without rider: part 0 the frame, part 1 the front wheel, part 3 the rear wheel."""
    sculptor = Sculptor()
    if kind is ParticipantType.BICYCLE:
        _bicycle(sculptor)
    else:
        _motorcycle(sculptor)
    return sculptor.mesh()


def hubs(kind: ParticipantType) -> Floats:
    """4×3, as a car's: the wheels of either side are one."""
    body = VEHICLES[kind]
    ends = (1, 1, -1, -1)
    return np.array([(0.0, end * body.wheelbase_m / 2, body.wheel_radius_m) for end in ends])


def _bicycle(sculptor: Sculptor) -> None:
    """A bare town bicycle: one sees the road through its wheels and between the tubes of its frame."""
    body = VEHICLES[ParticipantType.BICYCLE]
    front, rear = body.wheelbase_m / 2, -body.wheelbase_m / 2
    hub = body.wheel_radius_m
    crank = (0.0, *_CRANK_AT_M)
    seat, top, neck = (0.0, _SEAT_Y_M - 0.03, 0.80), (0.0, front - 0.17, 0.88), (0.0, front - 0.14, 0.76)
    for a, b, radius in (
        (top, seat, 0.017), (neck, crank, 0.020), (seat, crank, 0.017), (top, neck, 0.020),
        (neck, (0.0, front, hub), 0.014),
    ):  # fmt: skip
        sculptor.tube(np.array([a, b]), [radius, radius], Surface.PAINT, sides=6)
    for side in (-0.05, 0.05):
        for start in (seat, crank):
            stay = np.array([start, (side, rear, hub)])
            sculptor.tube(stay, [0.009, 0.009], Surface.PAINT, sides=4)
    ahead, up = _BAR_AT_M
    sculptor.tube(np.array([top, (0.0, ahead - 0.04, up)]), [0.014, 0.014], Surface.STEEL, sides=5)
    bar = np.array([(-0.28, ahead - 0.06, up + 0.01), (0.0, ahead, up), (0.28, ahead - 0.06, up + 0.01)])
    sculptor.tube(bar, [0.014, 0.014, 0.014], Surface.TRIM, sides=5)
    sculptor.tube(np.array([seat, (0.0, _SEAT_Y_M - 0.05, 0.92)]), [0.013, 0.013], Surface.STEEL, sides=5)
    sculptor.ball((0.0, _SEAT_Y_M - 0.05, 0.94), (0.07, 0.13, 0.03), Surface.TRIM, rings=4, sides=8)
    sculptor.ball(crank, (0.012, 0.09, 0.09), Surface.STEEL_DARK, rings=6, sides=8)
    sculptor.ball((0.0, ahead + 0.03, up - 0.08), (0.025, 0.025, 0.025), Surface.HEADLAMP_LEFT, rings=4, sides=6)
    sculptor.ball((0.0, _SEAT_Y_M - 0.09, 0.84), (0.022, 0.02, 0.022), Surface.TAILLAMP_LEFT, rings=4, sides=6)
    for part in (1, 3):
        _spoked_wheel(sculptor, hub, part)


def _spoked_wheel(sculptor: Sculptor, radius_m: float, part: int) -> None:
    sides = 24
    angle = np.arange(sides + 1) * (2.0 * np.pi / sides)
    ring = np.stack([np.zeros(sides + 1), pm.cos(angle), pm.sin(angle)], axis=1)
    for thick_m, slot in ((_BICYCLE_TYRE_M, Surface.TYRE), (0.008, Surface.STEEL)):
        middle_m = radius_m - _BICYCLE_TYRE_M if slot is Surface.TYRE else radius_m - 2 * _BICYCLE_TYRE_M - thick_m
        sculptor.tube(middle_m * ring, [thick_m] * (sides + 1), slot, sides=4, part=part, capped=False)
    for spoke in range(_SPOKES):
        end = (radius_m - 2 * _BICYCLE_TYRE_M) * ring[spoke * sides // _SPOKES]
        sculptor.tube(np.array([[0.0, 0.0, 0.0], end]), [0.003, 0.003], Surface.STEEL, sides=3, part=part, capped=False)


def _motorcycle(sculptor: Sculptor) -> None:
    """A road motorcycle: tank, engine and fairing fill it from wheel to wheel."""
    body = VEHICLES[ParticipantType.MOTORCYCLE]
    front, rear, hub = body.wheelbase_m / 2, -body.wheelbase_m / 2, body.wheel_radius_m
    sculptor.ball((0.0, 0.18, 0.80), (0.18, 0.31, 0.16), Surface.PAINT, rings=6, sides=10)
    sculptor.ball((0.0, 0.04, 0.46), (0.21, 0.34, 0.23), Surface.STEEL_DARK, rings=6, sides=10)
    sculptor.ball((0.0, 0.34, 0.66), (0.21, 0.30, 0.26), Surface.PAINT, rings=6, sides=10)
    sculptor.ball((0.0, -0.36, 0.79), (0.16, 0.38, 0.07), Surface.TRIM, rings=5, sides=10)
    sculptor.ball((0.0, -0.66, 0.79), (0.13, 0.26, 0.11), Surface.PAINT, rings=5, sides=8)
    sculptor.ball((0.0, 0.50, 0.97), (0.21, 0.16, 0.19), Surface.PAINT, rings=6, sides=10)
    sculptor.ball((0.0, 0.47, 1.17), (0.15, 0.05, 0.13), Surface.GLASS, rings=5, sides=8)
    sculptor.ball((0.0, front + 0.01, hub + 0.27), (0.075, 0.24, 0.07), Surface.PAINT, rings=5, sides=8)
    for side in (-1.0, 1.0):
        fork = np.array([(0.11 * side, front, hub), (0.11 * side, front - 0.30, 1.0)])
        sculptor.tube(fork, [0.03, 0.035], Surface.CHROME, sides=6)
        swing = np.array([(0.10 * side, rear, hub), (0.10 * side, 0.0, 0.45)])
        sculptor.tube(swing, [0.032, 0.04], Surface.STEEL_DARK, sides=6)
        sculptor.ball((0.32 * side, 0.36, 1.20), (0.06, 0.03, 0.045), Surface.TRIM, rings=4, sides=6)
        sculptor.tube(np.array([(0.19 * side, -0.85, 0.50), (0.17 * side, 0.1, 0.34)]), [0.065, 0.04], Surface.CHROME)
    bar = np.array([(-0.36, front - 0.42, 1.06), (0.0, front - 0.33, 1.03), (0.36, front - 0.42, 1.06)])
    sculptor.tube(bar, [0.018, 0.018, 0.018], Surface.TRIM, sides=6)
    sculptor.ball((0.0, 0.645, 0.93), (0.095, 0.03, 0.08), Surface.HEADLAMP_LEFT, rings=4, sides=8)
    sculptor.ball((0.0, -0.905, 0.82), (0.09, 0.025, 0.04), Surface.TAILLAMP_LEFT, rings=4, sides=8)
    plate = [(-0.10, -0.95, 0.56), (0.10, -0.95, 0.56), (0.10, -0.93, 0.72), (-0.10, -0.93, 0.72)]
    sculptor.polygon(plate, Surface.PLATE)
    for side, slot in ((-1.0, Surface.INDICATOR_LEFT), (1.0, Surface.INDICATOR_RIGHT)):
        for y, z in ((0.52, 0.86), (-0.80, 0.74)):
            sculptor.ball((0.2 * side, y, z), (0.035, 0.03, 0.03), slot, rings=3, sides=6)
    for part in (1, 3):
        add_wheel(sculptor, hub, part, 1)
        add_wheel(sculptor, hub, part, -1)


def seated(person: Stature, kind: ParticipantType, spin_rad: float, speed_mps: float) -> tuple[Floats, Floats]:
    """Turns and joints of a rider's parts, as ``pedestrians.limbs`` gives them, in the machine's frame. The feet of
    cyclists go round with the wheel's angle ``spin_rad``; who stands has both feet on the ground."""
    hips = np.array([_SEAT_Y_M, _SEAT_M[kind] + _HIPS_OVER_SEAT_M])
    stands = max(0.0, 1.0 - speed_mps / _STANDS_BELOW_MPS)
    if kind is ParticipantType.BICYCLE:
        hips = hips + stands * (np.array([0.04, 0.92 * person.height]) - hips)  # off the saddle, astride the frame
        forwards = _pedals(person, hips, _PEDAL_SHARE * spin_rad)
        rests = 0.10, -0.14
    else:
        forwards = _turns(-0.30, (1.18, 1.18), (-1.48, -1.48), (0.80, 0.80), (0.32, 0.32))
        rests = 0.50, -0.52
    for thigh, shin in ((THIGH_L, SHIN_L), (THIGH_R, SHIN_R)):
        forwards[thigh] += stands * (rests[0] - forwards[thigh])
        forwards[shin] += stands * (rests[1] - forwards[shin])
    aside = np.zeros(10)
    aside[[THIGH_L, THIGH_R]] = -0.16 * stands, 0.16 * stands
    angles = np.stack([forwards, np.zeros(10), aside], axis=1)
    return hung(person, angles, np.array([0.0, hips[0], hips[1] - 0.93 * person.height]))


def _pedals(person: Stature, hips: Floats, phase: float) -> Floats:
    """The turns of a cyclist's parts: hands on the bar, feet on the pedals."""
    size = person.height
    thighs, knees = [], []
    for side in (0.0, math.pi):
        foot = np.array(
            [
                _CRANK_AT_M[0] + _CRANK_M * float(pm.sin(phase + side)),
                _CRANK_AT_M[1] + _CRANK_M * float(pm.cos(phase + side)) + _ANKLE_M,
            ]
        )
        towards, bend, knee = _reach(foot - hips, _THIGH_M * size, _SHIN_M * size)
        thighs.append(towards + bend)
        knees.append(-knee)
    up = _SHOULDER_M * size
    shoulder = hips + up * np.array([-float(pm.sin(_LEAN_RAD)), float(pm.cos(_LEAN_RAD))])
    towards, bend, elbow = _reach(np.array(_BAR_AT_M) - shoulder, _ARM_M * size, _ARM_M * size)
    arm = towards - bend
    return _turns(_LEAN_RAD, (thighs[0], thighs[1]), (knees[0], knees[1]), (arm, arm), (elbow, elbow))


def _reach(to_m: Floats, upper_m: float, lower_m: float) -> tuple[float, float, float]:
    """Of a limb of two lengths that reaches to a point (ahead, up): the direction of the point as a swing forwards, how
    far the upper half is turned off it, and how far the lower half is bent."""
    away = min(math.sqrt(float(to_m[0] ** 2 + to_m[1] ** 2)), upper_m + lower_m - 0.002)
    off = (upper_m * upper_m + away * away - lower_m * lower_m) / (2.0 * upper_m * away)
    inside = (upper_m * upper_m + lower_m * lower_m - away * away) / (2.0 * upper_m * lower_m)
    towards = float(pm.atan2(to_m[0], -to_m[1]))
    return towards, float(pm.acos(min(max(off, -1.0), 1.0))), math.pi - float(pm.acos(min(max(inside, -1.0), 1.0)))


def _turns(
    lean: float, thighs: tuple[float, float], knees: tuple[float, float], arms: tuple[float, float],
    elbows: tuple[float, float],
) -> Floats:  # fmt: skip
    """Each part's turn relative to what carries it, forwards; ``arms`` from straight down."""
    forwards = np.zeros(10)
    forwards[[TORSO, HEAD, THIGH_L, THIGH_R, SHIN_L, SHIN_R]] = lean, -0.8 * lean, *thighs, *knees
    forwards[[ARM_L, ARM_R, FOREARM_L, FOREARM_R]] = arms[0] - lean, arms[1] - lean, *elbows
    return forwards
