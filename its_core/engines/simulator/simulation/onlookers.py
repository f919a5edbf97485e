"""Drivers who come upon a crash: they brake for it from afar, stop before it with their hazard lights on, or pass it
slowly."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from its_core.engines.simulator.traffic.drivers import Driver

NEAR_M = 70.0
PASSED_M = 6.0
UNDERSTANDS_S = 0.2  # beside the time that the driver takes for any danger
PASSES_MPS = (2.5, 6.5)
STOPS_SHARE = 0.6  # of those who come towards it
STOPS_SHORT_M = (9.0, 16.0)
HAZARDS_SHARE, HAZARDS_AFTER_S = 0.75, 0.4  # of those who stop
BESIDE_M = 6.5  # who drives by farther to the side does not stop
EASES_MPS2 = 2.0  # as most drivers brake for what they see in time


@dataclass(frozen=True, slots=True)
class Onlooker:
    """``passes_mps``: how fast one drives past a crash; ``short_m``: how far before it one stops (None: not at all)."""

    passes_mps: float
    short_m: float | None
    hazards: bool


def drawn_onlooker(rng: np.random.Generator) -> Onlooker:
    stops, short_m = rng.random() < STOPS_SHARE, float(rng.uniform(*STOPS_SHORT_M))
    return Onlooker(float(rng.uniform(*PASSES_MPS)), short_m if stops else None, bool(rng.random() < HAZARDS_SHARE))


def come_upon(driver: Driver, onlooker: Onlooker, ahead_m: float, beside_m: float, time_s: float) -> None:
    """Slows a driver down for a crash that lies so far ahead of the vehicle's middle and to its side."""
    left_m = ahead_m - driver.front_m
    if ahead_m * ahead_m + beside_m * beside_m > NEAR_M * NEAR_M or ahead_m < -PASSED_M:
        return
    if onlooker.short_m is None or left_m < 2.0 or beside_m > BESIDE_M:
        slow, left_m = onlooker.passes_mps, left_m - STOPS_SHORT_M[0]
        driver.caution_mps = math.sqrt(slow * slow + 2.0 * EASES_MPS2 * max(left_m, 0.0))
        return
    driver.caution_mps = math.sqrt(2.0 * EASES_MPS2 * max(left_m - onlooker.short_m, 0.0))
    brakes = driver.caution_mps < driver.speed + 0.5
    if brakes and onlooker.hazards and driver.intent.hazards_s == math.inf:
        driver.intent = replace(driver.intent, hazards_s=time_s + HAZARDS_AFTER_S)
