"""Masts that shake: wind and passing lorries swing the camera at the mast's own frequency, as footage of the street
shows. Whether a mast does, and how, is the camera's own, the same in all its clips."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.dimensions import HEAVY
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.portable_math import norm, power, sin
from its_core.engines.simulator.randomness import normals, rng_of
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.trace import Trace

Floats = NDArray[np.float64]

_SHAKING, _SHAKING_ON_BRIDGES = 0.3, 0.6  # shares of cameras; none shakes in a tunnel
_FREQUENCY_HZ, _DAMPING = (0.7, 3.6), (0.015, 0.06)
_SWING_RAD = (1.2e-4, 9.0e-4)  # standard deviation in a steady wind
_SWING_PX = (0.12, 0.85)  # the same in a picture 1280 wide: fainter is not seen, stronger masts are mended
_MOST_PX = 2.8
_LORRY_M, _LORRY_MPS = 11.0, 22.0  # how near and how fast a lorry passes that swings the mast as far as the wind does
_STEPS_A_PX = 64
_STEPS_A_FRAME, _BEFORE_S = 10, 4.0


@dataclass(frozen=True, slots=True)
class Mast:
    """How a mast swings: its frequency, share of critical damping, and the standard deviation of the picture's shift in
    pixels, to the right and down."""

    frequency_hz: float
    damping: float
    swing_px: tuple[float, float]


def mast(camera: Camera, layout: Layout) -> Mast | None:
    """None where the camera stands still."""
    rng = rng_of("mast", camera.camera_id)
    draw, frequency, damping, swing, tilt = (float(value) for value in rng.random(5))
    if layout.tube is not None or draw >= (_SHAKING if layout.deck is None else _SHAKING_ON_BRIDGES):
        return None
    scale = camera.width_px / 1280.0
    low, high = _SWING_RAD
    across = low * float(power(np.array(high / low), swing)) * camera.focal_px
    across = min(max(across, _SWING_PX[0] * scale), _SWING_PX[1] * scale)
    return Mast(
        _FREQUENCY_HZ[0] + (_FREQUENCY_HZ[1] - _FREQUENCY_HZ[0]) * frequency,
        _DAMPING[0] + (_DAMPING[1] - _DAMPING[0]) * damping,
        (across, across * (0.35 + 0.65 * tilt)),
    )


def margin_px(camera: Camera) -> int:
    """How much wider than its picture a shaking camera has to see on each side."""
    return math.ceil(_MOST_PX * camera.width_px / 1280.0) + 2


def shifts_px(shaking: Mast, camera: Camera, trace: Trace, seed: int) -> Floats:
    """F×2: by how much each frame's picture lies to the right of and below that of the camera at rest."""
    frames, step_s = len(trace.positions), 1.0 / (_STEPS_A_FRAME * trace.fps)
    before = int(_BEFORE_S / step_s)
    count = before + _STEPS_A_FRAME * frames
    rng = rng_of("gusts", camera.camera_id, seed)
    omega = 2.0 * math.pi * shaking.frequency_hz
    # White noise of this strength swings an oscillator by 1 in the mean square.
    kick = math.sqrt(4.0 * shaking.damping * omega**3 * step_s)
    gusts = 1.0 + 0.5 * sin(np.arange(count) * (step_s * 2.0 * math.pi * 0.23) + 6.28 * float(rng.random()))
    kicks = kick * gusts[:, None] * normals(rng, 1.0, (count, 2))
    push = np.zeros(count)
    push[before:] = np.repeat(omega * omega * _lorries(camera, trace), _STEPS_A_FRAME)
    place, speed = [0.0, 0.0], [0.0, 0.0]
    found = np.zeros((frames, 2))
    for number, (across, down) in enumerate(kicks.tolist()):
        for axis, blow in ((0, across), (1, down)):
            force = -2.0 * shaking.damping * omega * speed[axis] - omega * omega * place[axis]
            force += float(push[number]) * (1.0 if axis == 0 else 0.6)
            speed[axis] += step_s * force + blow
            place[axis] += step_s * speed[axis]
        if number >= before and (number - before) % _STEPS_A_FRAME == 0:
            found[(number - before) // _STEPS_A_FRAME] = place
    most = _MOST_PX * camera.width_px / 1280.0
    return np.asarray(np.round(np.clip(found * np.array(shaking.swing_px), -most, most) * _STEPS_A_PX) / _STEPS_A_PX)


def _lorries(camera: Camera, trace: Trace) -> Floats:
    """F: how hard passing lorries push the mast, 1 for as far as the wind swings it."""
    heavy = [number for number in range(trace.vehicles) if trace.actors[number].type in HEAVY]
    away = np.asarray(norm(trace.positions[:, heavy, :2] - np.array(camera.position_m[:2]))) / _LORRY_M
    pushes = (trace.speeds[:, heavy] / _LORRY_MPS) ** 2 / (1.0 + away**2) ** 2
    total = np.zeros(len(trace.positions))
    for number in range(len(heavy)):
        total += 2.0 * pushes[:, number]
    return total
