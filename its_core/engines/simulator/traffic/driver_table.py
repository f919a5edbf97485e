"""The drivers of a place as one table, for compiled code, and what it makes of them."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.traffic.driver_record import AT, DRIVER, NOBODY, PLANNED, WIDTH
from its_core.engines.simulator.traffic.drivers import Driver
from its_core.engines.simulator.traffic.habits import NORMAL, Chase, Intent

LATER_S, SOON_S = 1.2, 0.4  # from now on, drivers' place beside the middle of their way counts, and is steered for


class OnFoot(Protocol):
    """What is asked of people whom a driver is to meet."""

    number: int

    def arrives_s(self, s_m: float) -> float: ...


@dataclass(slots=True)
class Drivers:
    """D drivers, who steer the first D of the bodies: a record each (``DRIVER``), and which of N bodies each does not
    see (D×N). ``numbers``: the records' memory."""

    table: NDArray[np.void]
    overlooks: NDArray[np.bool_]
    numbers: array[float]

    @classmethod
    def of(cls, drivers: Sequence[Driver], bodies: int) -> Drivers:
        """As their rows are; each sees every body."""
        numbers = array("d", b"".join([each.row for each in drivers]))
        return cls(np.frombuffer(numbers, DRIVER), np.zeros((len(drivers), bodies), np.bool_), numbers)

    def row(self, i: int) -> array[float]:
        """One driver's own numbers."""
        return self.numbers[i * WIDTH : (i + 1) * WIDTH]


def planned_drivers(
    drivers: Sequence[Driver], walkers: Sequence[OnFoot], unit: NDArray[np.int64], time_s: float
) -> Drivers:
    """As they are now, and what they plan to do. ``unit``: the numbers of the road users that the bodies belong to."""
    unseen: dict[int, NDArray[np.bool_]] = {}
    for i, each in enumerate(drivers):
        intent = each.intent
        if each.moves or intent is not NORMAL:
            each.row[PLANNED] = _planned(each, drivers, walkers, time_s)
            each.plans = True
            if intent.overlooks and intent.errs(time_s):
                unseen[i] = np.isin(unit, list(intent.overlooks))
        elif each.plans:
            each.row[PLANNED] = each.no_plan
            each.plans = False
    found = Drivers.of(drivers, len(unit))
    for i, bodies in unseen.items():
        found.overlooks[i] = bodies
    return found


def table_of(drivers: Sequence[Driver]) -> NDArray[np.void]:
    """A record each (``DRIVER``), as they are now."""
    return np.frombuffer(b"".join([each.row for each in drivers]), DRIVER)


def numbers_of(drivers: Sequence[Driver], names: Sequence[str]) -> NDArray[np.float64]:
    """D×K: of each driver the numbers of these names."""
    numbers = np.frombuffer(b"".join([each.row for each in drivers])).reshape(-1, WIDTH)
    return numbers[:, [AT[name] for name in names]]


def _planned(driver: Driver, drivers: Sequence[Driver], walkers: Sequence[OnFoot], time_s: float) -> array[float]:
    intent = driver.intent
    errs, blind = intent.errs(time_s), intent.is_blind(time_s)
    plan = (
        driver.meant_aside_m(time_s + LATER_S),
        driver.meant_aside_m(time_s + SOON_S),
        _forced_mps2(driver, blind, time_s),
        blind,
        intent.ignores_others and errs,
        intent.ignores_signal and errs,
        driver.manner.reaction_s if intent.reaction_s is None else intent.reaction_s,
        intent.hazards_s,
        driver.shows_shift(time_s),
        time_s >= intent.skids_s,
        *_chase(intent, drivers, walkers, time_s),
    )
    return array("d", plan)


def _forced_mps2(driver: Driver, blind: bool, time_s: float) -> float:
    intent = driver.intent
    for brake in intent.brakes:
        if brake.from_s <= time_s < brake.to_s:
            return -min(brake.mps2, driver.hardest_mps2)
    if blind and intent.chase is None:
        return 0.0 if driver.speed > 1.0 else -0.5  # the foot stays where it is
    return math.nan


def _chase(
    intent: Intent, drivers: Sequence[Driver], walkers: Sequence[OnFoot], time_s: float
) -> tuple[float, float, float, float, float]:
    chase = intent.chase
    if chase is None or not chase.from_s <= time_s < chase.to_s:
        return NOBODY, 0.0, 0.0, 0.0, 0.0
    return *_chased(chase, drivers, walkers), chase.own_s_m, chase.other_s_m, chase.mps2


def _chased(chase: Chase, drivers: Sequence[Driver], walkers: Sequence[OnFoot]) -> tuple[float, float]:
    for i, driver in enumerate(drivers):
        if driver.number == chase.other:
            return i, 0.0
    arrives_s = (walker.arrives_s(chase.other_s_m) for walker in walkers if walker.number == chase.other)
    return -1, next(arrives_s, math.inf)
