"""What a plan makes of the time after a crash: somebody drives on, rolls over, or runs into the wreck."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from its_core.engines.simulator.dimensions import TWO_WHEELERS
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.simulation.rails import Traffic
from its_core.engines.simulator.traffic.drivers import Driver
from its_core.engines.simulator.traffic.habits import CrashManner, Intent
from its_core.taxonomy import Aftermath, IncidentType, ParticipantType

HIT_AND_RUN = 0.06  # of crashes in which the row leaves it open
BLIND_FOLLOWERS = 0.12
# A second crash would outweigh that of somebody on foot or on two wheels, and no car rolls over for it.
ONE_IS_STRUCK = frozenset(
    {IncidentType.PEDESTRIAN_COLLISION, IncidentType.CYCLIST_COLLISION, IncidentType.MOTORCYCLIST_COLLISION}
)
ROLL_OVERS = {IncidentType.SINGLE_VEHICLE_CRASH: 0.35, **dict.fromkeys(ONE_IS_STRUCK, 0.0)}
ROLL_OVERS_ELSEWHERE = 0.12
FAST_ENOUGH_MPS = 11.0  # slower than this nobody rolls over
TRIPS = (1.5, 2.1)  # how hard the ground holds a vehicle that rolls over, in shares of its weight
NEVER_S = 9.0


def with_consequences(setting: Setting, traffic: Traffic, opportunity: Opportunity, plan: Plan, attempt: int) -> Plan:
    """The plan with what follows the crash."""
    rng = setting.rng("after", attempt)
    asked = setting.scene.aftermath
    draws = rng.random(3)
    driver = _driver(traffic, plan.culprit)
    runs = draws[0] < HIT_AND_RUN if asked is None else asked is Aftermath.DRIVES_ON
    if runs and driver is not None:
        plan = _drives_on(plan)
    incident = setting.scene.incident_type or IncidentType.NORMAL_TRAFFIC
    share = ROLL_OVERS.get(incident, ROLL_OVERS_ELSEWHERE)
    rolls = draws[1] < share if asked is None else asked is Aftermath.ROLLS_OVER
    if rolls and (opportunity.speed_mps > FAST_ENOUGH_MPS or asked is Aftermath.ROLLS_OVER):
        plan = _rolls_over(traffic, plan, rng)
    second = (
        draws[2] < BLIND_FOLLOWERS and incident not in ONE_IS_STRUCK
        if asked is None
        else asked is Aftermath.SECONDARY_COLLISION
    )
    if second:
        plan = _struck_again(setting, traffic, plan)
    _stops(traffic, plan, asked, rng)
    return plan


def _drives_on(plan: Plan) -> Plan:
    own = replace(plan.intents.get(plan.culprit, Intent()), goes_on=True, brakes=())
    return replace(plan, intents={**plan.intents, plan.culprit: own})


def _rolls_over(traffic: Traffic, plan: Plan, rng: np.random.Generator) -> Plan:
    """The one that is struck from the side, or the one that loses control; never a two-wheeler."""
    four = [
        number
        for number in (*plan.victims[:1], plan.culprit)
        if (driver := _driver(traffic, number)) is not None and driver.type not in TWO_WHEELERS
    ]
    if not four:
        return plan
    return replace(plan, rolls={four[0]: float(rng.uniform(*TRIPS))})


def _struck_again(setting: Setting, traffic: Traffic, plan: Plan) -> Plan:
    """The next driver behind one of the two does not see it in time."""
    best: tuple[float, int] | None = None
    for number in (plan.culprit, *plan.victims):
        ahead = _driver(traffic, number)
        if ahead is None:
            continue
        for driver in traffic.drivers:
            gap = ahead.s_m - ahead.rear_m - driver.s_m - driver.front_m
            free = driver.number not in (plan.culprit, *plan.victims) and driver.type is not ParticipantType.BICYCLE
            if driver.way == ahead.way and free and 2.0 < gap < 45.0 and (best is None or gap < best[0]):
                best = (gap, driver.number)
    if best is None:
        return plan
    until = max(plan.contact_s + 4.0, setting.duration_s)
    blind = Intent(blind_s=(plan.contact_s - 0.6, until), reaction_s=NEVER_S)
    return replace(plan, intents={**plan.intents, best[1]: blind}, struck=(*plan.struck, best[1]))


def _stops(traffic: Traffic, plan: Plan, asked: Aftermath | None, rng: np.random.Generator) -> None:
    """Drivers who are to stop do brake."""
    if asked not in (Aftermath.VEHICLES_STOP, Aftermath.VEHICLES_BLOCK_TRAFFIC):
        return
    for number in (plan.culprit, *plan.victims):
        if number in traffic.vehicles:
            crash = CrashManner(float(rng.uniform(0.2, 0.7)), 1.0)
            traffic.vehicles[number] = replace(traffic.vehicles[number], crash=crash)


def _driver(traffic: Traffic, number: int) -> Driver | None:
    return next((each for each in traffic.drivers if each.number == number), None)
