"""Bicycles, motorcycles, and how people sit on them."""

from __future__ import annotations

import math
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
    hung,
)
from its_core.taxonomy import ParticipantType

Floats = NDArray[np.float64]

SEAT_M = {ParticipantType.MOTORCYCLE: 0.80, ParticipantType.BICYCLE: 0.98}
_SEAT_Y_M = -0.16
_PEDAL_SHARE = 0.42  # turns of the pedals for a turn of the wheels
_BICYCLE_TYRE_M = 0.027  # of a town bicycle, 54 mm wide


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
    body = VEHICLES[ParticipantType.BICYCLE]
    front, rear = body.wheelbase_m / 2, -body.wheelbase_m / 2
    hub = body.wheel_radius_m
    head, seat, crank = (0.0, front - 0.17, 0.86), (0.0, _SEAT_Y_M, 0.80), (0.0, -0.06, 0.28)
    for a, b, radius in (
        (head, seat, 0.026), (head, crank, 0.030), (seat, crank, 0.026), (seat, (0.0, rear, hub), 0.018),
        (crank, (0.0, rear, hub), 0.022), (head, (0.0, front, hub), 0.024),
    ):  # fmt: skip
        sculptor.tube(np.array([a, b]), [radius, radius], Surface.PAINT, sides=6)
    sculptor.tube(np.array([head, (0.0, front - 0.2, 1.04)]), [0.016, 0.016], Surface.STEEL_DARK, sides=6)
    sculptor.tube(
        np.array([(-0.27, front - 0.2, 1.05), (0.27, front - 0.2, 1.05)]), [0.016, 0.016], Surface.TRIM, sides=6
    )
    sculptor.tube(np.array([seat, (0.0, _SEAT_Y_M - 0.02, 0.94)]), [0.015, 0.015], Surface.STEEL, sides=6)
    sculptor.ball((0.0, _SEAT_Y_M - 0.03, 0.95), (0.075, 0.14, 0.03), Surface.TRIM, rings=4, sides=8)
    sculptor.ball((0.0, front - 0.12, 0.93), (0.035, 0.03, 0.035), Surface.HEADLAMP_LEFT, rings=4, sides=6)
    sculptor.ball((0.0, _SEAT_Y_M - 0.09, 0.78), (0.03, 0.025, 0.03), Surface.TAILLAMP_LEFT, rings=4, sides=6)
    for at, forwards in ((front, 0.6), (rear, -0.35)):
        _mudguard(sculptor, at, hub, forwards)
    rack = rear + 0.02
    sculptor.tube(
        np.array([(0.0, _SEAT_Y_M - 0.12, 0.77), (0.0, rack - 0.24, 0.77)]), [0.05, 0.05], Surface.TRIM, sides=6
    )
    for side in (-0.12, 0.12):
        sculptor.ball((side, rack - 0.08, 0.62), (0.06, 0.17, 0.15), Surface.TRIM, rings=4, sides=8)
    sculptor.ball((0.0, front - 0.02, 0.93), (0.15, 0.12, 0.11), Surface.CLOTH_BROWN, rings=4, sides=8)
    for part in (1, 3):
        _thin_wheel(sculptor, hub, part)


def _mudguard(sculptor: Sculptor, at: float, hub: float, forwards: float) -> None:
    """An arc over a wheel from ``forwards`` (radians from the top) to the back, in the frame's colour."""
    angle = np.linspace(forwards, forwards - 1.9, 9)
    radius = hub + 0.035
    arc = np.stack([np.zeros(9), at + radius * pm.sin(angle), hub + radius * pm.cos(angle)], axis=1)
    sculptor.tube(arc, [0.028] * 9, Surface.PAINT, sides=5)


def _thin_wheel(sculptor: Sculptor, radius: float, part: int) -> None:
    sides = 20
    angle = np.arange(sides + 1) * (2.0 * np.pi / sides)
    ring = np.stack([np.zeros(sides + 1), radius * pm.cos(angle), radius * pm.sin(angle)], axis=1)
    ring *= (radius - _BICYCLE_TYRE_M) / radius
    sculptor.tube(ring, [_BICYCLE_TYRE_M] * (sides + 1), Surface.TYRE, sides=5, part=part, capped=False)
    for i in range(0, sides, 2):
        spoke = np.array([[0.0, 0.0, 0.0], ring[i]])
        sculptor.tube(spoke, [0.009, 0.009], Surface.CHROME, sides=3, part=part, capped=False)


def _motorcycle(sculptor: Sculptor) -> None:
    body = VEHICLES[ParticipantType.MOTORCYCLE]
    front, rear, hub = body.wheelbase_m / 2, -body.wheelbase_m / 2, body.wheel_radius_m
    sculptor.ball((0.0, 0.18, 0.80), (0.17, 0.30, 0.15), Surface.PAINT, rings=6, sides=10)
    sculptor.ball((0.0, 0.06, 0.47), (0.20, 0.30, 0.20), Surface.STEEL_DARK, rings=6, sides=10)
    sculptor.ball((0.0, -0.36, 0.79), (0.15, 0.36, 0.06), Surface.TRIM, rings=5, sides=10)
    sculptor.ball((0.0, -0.68, 0.80), (0.10, 0.20, 0.08), Surface.PAINT, rings=5, sides=8)
    sculptor.ball((0.0, 0.50, 0.98), (0.19, 0.14, 0.17), Surface.PAINT, rings=6, sides=10)
    for side in (-1.0, 1.0):
        fork = np.array([(0.11 * side, front, hub), (0.11 * side, front - 0.30, 1.0)])
        sculptor.tube(fork, [0.026, 0.03], Surface.CHROME, sides=6)
        swing = np.array([(0.10 * side, rear, hub), (0.10 * side, 0.0, 0.45)])
        sculptor.tube(swing, [0.028, 0.035], Surface.STEEL_DARK, sides=6)
    sculptor.tube(np.array([(0.18, -0.75, 0.42), (0.18, 0.1, 0.35)]), [0.055, 0.04], Surface.CHROME, sides=7)
    bar = np.array([(-0.36, front - 0.42, 1.06), (0.0, front - 0.33, 1.03), (0.36, front - 0.42, 1.06)])
    sculptor.tube(bar, [0.018, 0.018, 0.018], Surface.TRIM, sides=6)
    sculptor.ball((0.0, 0.635, 0.93), (0.085, 0.03, 0.075), Surface.HEADLAMP_LEFT, rings=4, sides=8)
    sculptor.ball((0.0, -0.885, 0.80), (0.07, 0.025, 0.035), Surface.TAILLAMP_LEFT, rings=4, sides=8)
    for side, slot in ((-1.0, Surface.INDICATOR_LEFT), (1.0, Surface.INDICATOR_RIGHT)):
        for y, z in ((0.52, 0.86), (-0.80, 0.74)):
            sculptor.ball((0.2 * side, y, z), (0.035, 0.03, 0.03), slot, rings=3, sides=6)
    for part in (1, 3):
        add_wheel(sculptor, hub, part, 1)
        add_wheel(sculptor, hub, part, -1)


def seated(person: Stature, kind: ParticipantType, spin_rad: float) -> tuple[Floats, Floats]:
    """Turns and joints of a rider's parts, as ``pedestrians.limbs`` gives them, in the machine's frame. The legs of
    cyclists follow the wheel's angle ``spin_rad``."""
    if kind is ParticipantType.BICYCLE:
        phase = _PEDAL_SHARE * spin_rad
        lean, arms = -0.62, 0.92
        thighs = [1.12 + 0.38 * float(pm.sin(phase + side)) for side in (0.0, math.pi)]
        knees = [-1.25 + 0.42 * float(pm.sin(phase + side + 0.9)) for side in (0.0, math.pi)]
    else:
        lean, arms = -0.30, 0.80
        thighs, knees = [1.18, 1.18], [-1.48, -1.48]
    forwards = np.zeros(10)
    forwards[[TORSO, HEAD, THIGH_L, THIGH_R, SHIN_L, SHIN_R]] = lean, -0.8 * lean, *thighs, *knees
    forwards[[ARM_L, ARM_R, FOREARM_L, FOREARM_R]] = arms - lean, arms - lean, 0.32, 0.32
    angles = np.stack([forwards, np.zeros(10), np.zeros(10)], axis=1)
    return hung(person, angles, np.array([0.0, _SEAT_Y_M, SEAT_M[kind] + 0.06 - 0.93 * person.height]))
