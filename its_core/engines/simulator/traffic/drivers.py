"""How a driver follows the road, the car ahead, the signals and the people on a crosswalk.

Car-following is the Intelligent Driver Model (Treiber, Hennecke and Helbing, Phys. Rev. E 62, 2000): a red light, a
crosswalk to yield at and a wreck are standing cars to it. Steering is pure pursuit (Coulter, CMU-RI-TR-92-01) from
the rear axle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.physics.world import GRAVITY_MPS2, Vehicle
from its_core.engines.simulator.roads.layouts import Crosswalk, Lane
from its_core.engines.simulator.roads.paths import Floats, Path
from its_core.engines.simulator.roads.signals import AMBER, RED
from its_core.engines.simulator.traffic.perception import Surroundings

STEER_LIMIT_RAD = 0.62
STEER_RATE_RADPS = 0.9
COMFORTABLE_STOP_MPS2 = 3.5  # brakes this hard for an amber light, not harder
HARDEST_STOP_MPS2 = 7.0  # brakes this hard for a red one
HOLD_MPS = 0.35  # slower than this and with nowhere to go, the foot stays on the brake
HOLDING_MPS2 = -6.0
HORIZON_M = 80.0


@dataclass(frozen=True, slots=True)
class Manner:
    """A driver's habits: the parameters of the Intelligent Driver Model, and how much sideways pull suits them in
    bends."""

    desired_mps: float
    headway_s: float = 1.3
    gap_m: float = 2.2
    pulls_mps2: float = 1.9
    brakes_mps2: float = 2.6
    bend_mps2: float = 2.4
    aside_m: float = 0.0  # nobody drives in the exact middle of a lane; left is positive


@dataclass(frozen=True, slots=True)
class Swerve:
    """From ``start_s`` on, ``aside_m`` to the left of the lane's middle (negative: right), back again from ``back_s``
    on."""

    start_s: float
    aside_m: float
    back_s: float
    over_s: float = 0.9


@dataclass(frozen=True, slots=True)
class Intent:
    """What the scenario makes this driver do whatever the rules say. Times in seconds from frame 0."""

    runs_red: bool = False
    yields_on_crosswalks: bool = True
    looks_up_s: float = -math.inf  # sees neither cars nor lights before
    brakes_s: tuple[float, float] = (math.inf, math.inf)  # from, to
    brakes_mps2: float = 0.0
    swerve: Swerve | None = None
    parked: bool = False


@dataclass(frozen=True, slots=True)
class Command:
    acceleration_mps2: float
    steer_rad: float
    brake_lamps: bool
    indicator: int  # −1 left, 0 off, +1 right


class Driver:
    """Drives one vehicle along one lane."""

    def __init__(
        self,
        vehicle: Vehicle,
        lane: Lane,
        manner: Manner,
        intent: Intent,
        crosswalks: tuple[Crosswalk, ...],
        grip: float,
    ) -> None:
        self.vehicle = vehicle
        self.lane = lane
        self.path = Path(lane.points)
        self.manner = manner
        self.intent = intent
        self.hardest_mps2 = hardest_braking_mps2(grip)
        self.crossings = [stretch for walk in crosswalks if (stretch := stretch_over(self.path, walk)) is not None]
        self.caps = speed_caps(self.path, manner)
        self.s_m = float(self.path.project(vehicle.position[None, :2])[0][0])
        self.aside_now_m = 0.0
        self.command = Command(0.0, 0.0, False, 0)
        self._acceleration = 0.0
        self._steer = 0.0

    def control(self, around: Surroundings, step_s: float) -> None:
        """Decides what to do for the next ``step_s`` seconds, and does it."""
        speed = float(around.forward_mps[self.vehicle.number])
        here = around.positions[self.vehicle.number]
        window = (self.s_m - 10.0, self.s_m + 25.0)
        s, aside = self.path.project(here[None], *window)
        self.s_m, self.aside_now_m = float(s[0]), float(aside[0])
        wanted = self._wanted(around, speed)
        if speed < HOLD_MPS and wanted < (0.4 if self._acceleration == HOLDING_MPS2 else 0.1):
            self._acceleration = HOLDING_MPS2
            self.vehicle.settle()
        else:
            # A foot takes a moment to move.
            self._acceleration += (wanted - self._acceleration) * min(1.0, step_s / 0.18)
        self._steer_towards(around, speed, step_s)
        lamps = self._acceleration < (-0.35 if self.command.brake_lamps else -0.7)
        self.command = Command(self._acceleration, self._steer, lamps, self._indicator())
        self.vehicle.drive(self._acceleration, self._steer)

    def crash(self) -> None:
        """Takes the feet off the pedals; whoever braked keeps the lamps on."""
        self.command = Command(0.0, self._steer, self.command.brake_lamps, 0)
        self.vehicle.drive(0.0, self._steer)

    def lock(self, grip: float) -> None:
        self.command = Command(HOLDING_MPS2, self._steer, True, 0)
        self.vehicle.lock_wheels(grip)

    def aside_m(self, time_s: float) -> float:
        """How far left of the lane's middle the driver means to be."""
        swerve = self.intent.swerve
        if swerve is None:
            return self.manner.aside_m
        there = _smooth((time_s - swerve.start_s) / swerve.over_s)
        back = _smooth((time_s - swerve.back_s) / (1.6 * swerve.over_s))
        return self.manner.aside_m + swerve.aside_m * (there - back)

    def _wanted(self, around: Surroundings, speed: float) -> float:
        intent, time_s = self.intent, around.time_s
        if intent.parked:
            return HOLDING_MPS2
        if intent.brakes_s[0] <= time_s < intent.brakes_s[1]:
            return -min(intent.brakes_mps2, self.hardest_mps2)
        wanted = self._free(speed)
        if time_s >= intent.looks_up_s:
            aside = self.aside_m(time_s)
            for gap, lead_mps in around.ahead(
                self.vehicle.number, self.path, self.s_m, aside, HORIZON_M, intent.yields_on_crosswalks
            ):
                wanted = min(wanted, self._following(speed, gap, lead_mps))
            stop = self._must_stop_in(around, speed)
            if stop is not None:
                wanted = min(wanted, self._following(speed, stop + self.manner.gap_m - 0.8, 0.0))
        return max(wanted, -self.hardest_mps2)

    def _free(self, speed: float) -> float:
        return free_mps2(self.manner, speed, float(np.interp(self.s_m, self.path.s, self.caps)))

    def _following(self, speed: float, gap_m: float, lead_mps: float) -> float:
        manner = self.manner
        closing = speed * (speed - lead_mps) / (2 * math.sqrt(manner.pulls_mps2 * manner.brakes_mps2))
        wished = manner.gap_m + max(0.0, speed * manner.headway_s + closing)
        return manner.pulls_mps2 * (1.0 - (wished / max(gap_m, 0.3)) ** 2)

    def _must_stop_in(self, around: Surroundings, speed: float) -> float | None:
        """Distance from the front bumper to the nearest line that the driver must and can stop at, metres."""
        front = self.s_m + self.vehicle.body.length_m / 2
        stops: list[float] = []
        line = self.lane.stop_s_m
        if line is not None and front < line + 0.5 and not self.intent.runs_red:
            hardest = self._hardest_for_line(around)
            if hardest > 0 and speed**2 < 2 * hardest * max(line - front, 0.3):
                stops.append(line - front)
        if self.intent.yields_on_crosswalks:
            for start, end in self.crossings:
                before = start - 1.2 - front
                if line is not None and 0 < start - line < 5.0:
                    before = min(before, line - front)
                claimed = around.claimed(self.path, start, end, self.vehicle.body.width_m / 2)
                if front < start + 0.8 and claimed and speed**2 < 2 * HARDEST_STOP_MPS2 * max(before, 0.3):
                    stops.append(before)
        return min(stops, default=None)

    def _hardest_for_line(self, around: Surroundings) -> float:
        """How hard the driver would brake to stop at the lane's line; 0 when nothing asks for it."""
        if self.lane.signal is not None:
            aspect = around.signals[self.lane.signal]
            if aspect == RED or around.blocked:
                return HARDEST_STOP_MPS2
            if aspect == AMBER:
                return COMFORTABLE_STOP_MPS2
        if self.lane.conflicts and around.gives_way(self.vehicle.number, self.lane.conflicts):
            return HARDEST_STOP_MPS2
        return 0.0

    def _steer_towards(self, around: Surroundings, speed: float, step_s: float) -> None:
        number, wheelbase = self.vehicle.number, self.vehicle.body.wheelbase_m
        forward = around.forward[number]
        rear = around.positions[number] - forward * wheelbase / 2
        ahead_m = min(max(0.75 * speed, 4.2), 16.0)
        target_s = self.s_m - wheelbase / 2 + ahead_m
        tangent = self.path.direction(target_s)
        aside = self.aside_m(around.time_s + 0.4)
        target = self.path.at(target_s) + aside * np.array([-tangent[1], tangent[0]])
        to = target - rear
        sine = float(forward[0] * to[1] - forward[1] * to[0]) / max(float(pm.dot(to, to)), 1.0)
        wish = pm.atan(2 * wheelbase * sine)
        change = min(max(wish - self._steer, -STEER_RATE_RADPS * step_s), STEER_RATE_RADPS * step_s)
        self._steer = min(max(self._steer + change, -STEER_LIMIT_RAD), STEER_LIMIT_RAD)

    def _indicator(self) -> int:
        if self.lane.movement == "straight":
            return 0
        turn_over = pm.dot(self.path.direction(self.s_m), self.path.direction(self.path.length_m)) > 0.98
        far = self.lane.stop_s_m is not None and self.s_m < self.lane.stop_s_m - 45.0
        return 0 if turn_over or far else (-1 if self.lane.movement == "left" else 1)


def hardest_braking_mps2(grip: float) -> float:
    """What an emergency stop reaches on tyres of this grip."""
    return 0.85 * grip * GRAVITY_MPS2


def free_mps2(manner: Manner, speed_mps: float, cap_mps: float) -> float:
    """The acceleration of a driver with an empty road ahead, where the bends allow ``cap_mps``."""
    desired = max(min(manner.desired_mps, cap_mps), 0.5)
    return max(manner.pulls_mps2 * (1.0 - (speed_mps / desired) ** 4), -3.0)


def free_run(path: Path, manner: Manner, s_m: float, duration_s: float) -> Floats:
    """K×3 of time, arc length and speed of a car that drives alone from ``s_m`` on, every twentieth of a second."""
    caps = speed_caps(path, manner)
    step_s, speed = 0.05, min(manner.desired_mps, float(np.interp(s_m, path.s, caps)))
    found = []
    for i in range(int(duration_s / step_s) + 1):
        found.append((i * step_s, s_m, speed))
        speed = max(speed + step_s * free_mps2(manner, speed, float(np.interp(s_m, path.s, caps))), 0.5)
        s_m += speed * step_s
    return np.array(found)


def _smooth(share: float) -> float:
    share = min(max(share, 0.0), 1.0)
    return share * share * (3.0 - 2.0 * share)


def stretch_over(path: Path, crosswalk: Crosswalk) -> tuple[float, float] | None:
    """Where a path runs over a crosswalk, as arc lengths; None when it does not."""
    x1, y1, x2, y2 = crosswalk.rect
    x, y = path.points[:, 0], path.points[:, 1]
    over = np.flatnonzero((x >= x1 - 0.5) & (x <= x2 + 0.5) & (y >= y1 - 0.5) & (y <= y2 + 0.5))
    if len(over) == 0:
        return None
    return float(path.s[over[0]]), float(path.s[over[-1]])


def speed_caps(path: Path, manner: Manner) -> Floats:
    """The speed that bends allow at each vertex, m/s, braked for in time."""
    heading = np.unwrap(pm.atan2(path.tangents[:, 1], path.tangents[:, 0]))
    middle = (path.s[1:] + path.s[:-1]) / 2
    bend = np.abs(np.interp(path.s + 2.0, middle, heading) - np.interp(path.s - 2.0, middle, heading)) / 4.0
    caps = np.sqrt(manner.bend_mps2 / np.maximum(bend, 1e-4))
    for i in range(len(caps) - 2, -1, -1):
        reach = math.sqrt(caps[i + 1] ** 2 + 2 * 1.8 * (path.s[i + 1] - path.s[i]))
        caps[i] = min(caps[i], reach)
    return np.asarray(caps)
