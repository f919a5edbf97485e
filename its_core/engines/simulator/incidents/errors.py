"""What drivers do wrong, as intents: at crossings, behind one another, beside one another, towards one another, and
where people cross."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.traffic.drivers import hardest_braking_mps2
from its_core.engines.simulator.traffic.habits import Brake, Chase, Intent, Shift
from its_core.engines.simulator.traffic.walkers import Crossing, Route
from its_core.taxonomy import Aftermath, CollisionType

LAGS_S = 0.35  # how long after the wheel turns the vehicle is where it is meant to be
SEES_BEFORE_S = (-0.1, 0.35, 0.55, 0.8)  # a touch, a driver who is struck sees it coming (below 0: never)
LETS_GO_S = 0.3  # before the touch: from then on nobody corrects anything
NEVER_S = 9.0
BEYOND_KERB_M = 2.5  # people who have crossed the road walk on so far
WIDEST_M = 24.0
IN_TIME_S, FASTEST_ON_FOOT_MPS = 0.3, 3.2
IN_THE_WAY_S = 0.7  # so much earlier somebody steps out who is missed: who jumps back at the kerb was in nobody's way
HARD_MPS2 = (4.5, 7.5)
STARTLED_S = (0.5, 1.4)  # after a near miss, a driver goes on who has stopped for it
HASTY = 0.85  # of a lane change's duration, where it ends in the side of another
# Where nobody errs, the same driver reacts late, too: by so large a share of the time from the error to the touch, less
# where the one ahead brakes hard. Otherwise braking in a clip's first second would tell calm clips from others.
LATE_SHARE = 0.6
SPARE_SHARE = 0.2  # of the gap that is left to them at least, when the one ahead brakes hard
COMFORTABLE_STOP_MPS2 = 3.2  # and so that they can still stop this gently for a line
OVER_LINE_M = 0.3  # or, out of waiting, with the front this far beyond it: farther, one goes on
FALSE_START_S = 1.4  # so long they keep the brake pressed then


def crossing_plan(
    setting: Setting,
    opportunity: Opportunity,
    contact_s: float,
    attempt: int,
    averted_s: float | None = None,
    head_first: bool = False,
) -> Plan:
    """Drives into somebody's way, or is run into. ``averted_s``: notices that long before the touch, and brakes.
    ``head_first``: always strikes with the front."""
    rng = setting.rng("plan", attempt)
    data = opportunity.details
    victim = opportunity.victims[0]
    lengths = 2.0 * data["front_m"], 2.0 * data["other_front_m"]
    strikes = (rng.random() < 0.5) != (attempt % 2 == 1)
    if strikes or head_first:
        own = data["s_m"] - data["other_half_m"] - data["front_m"] + 0.1
        other = data["other_s_m"] + float(rng.uniform(-0.30, 0.26)) * lengths[1]
    else:
        own = data["s_m"] + float(rng.uniform(-0.26, 0.30)) * lengths[0]
        other = data["other_s_m"] - data["half_m"] - data["other_front_m"] + 0.1
    onset_s = contact_s - opportunity.onset_s
    chase = Chase(victim, own, other, onset_s, contact_s - (averted_s or LETS_GO_S), 3.4 if data["from_rest"] else 2.6)
    brakes: tuple[Brake, ...] = ()
    if averted_s is not None:
        hard, until_s = float(rng.uniform(6.0, 8.0)), contact_s + float(rng.uniform(*STARTLED_S))
        brakes = (Brake(contact_s - averted_s, until_s, hard),)
    elif rng.random() < 0.65:
        brakes = (Brake(contact_s - float(rng.uniform(0.1, 0.5)), contact_s + 6.0, float(rng.uniform(*HARD_MPS2))),)
    until_s = contact_s + (8.0 if averted_s is None else -averted_s)
    culprit = Intent(
        ignores_signal=True,
        ignores_others=True,
        overlooks=frozenset({victim}),
        errs_s=(onset_s, until_s),
        chase=chase,
        brakes=brakes,
        shifts=_swerve(rng, contact_s, averted_s),
        reaction_s=NEVER_S if averted_s is None else 0.3,
    )
    # Most struck drivers see it too late; many brake, and are struck all the same.
    sees_s = float(rng.choice(SEES_BEFORE_S)) if attempt < 2 else -0.1
    struck = Intent(
        reaction_s=0.1 if sees_s > 0.0 else NEVER_S,
        overlooks=frozenset({opportunity.culprit}),
        errs_s=(onset_s, contact_s - sees_s),
        shifts=_swerve(rng, contact_s, averted_s),
    )
    if averted_s is not None:
        struck = Intent(reaction_s=float(rng.uniform(0.2, 0.7)))
    plan = _plan(opportunity, contact_s, {opportunity.culprit: culprit, victim: struck})
    ways = {opportunity.culprit: int(data["way"])} if data["turns"] else {}
    return replace(plan, ways=ways, calm=_late_for_line(opportunity, culprit, struck, onset_s))


def _late_for_line(opportunity: Opportunity, culprit: Intent, struck: Intent, onset_s: float) -> dict[int, Intent]:
    """What the two do where nobody errs: the one who would have crossed the line brakes for it late, but in time, or
    pulls away too early, and stops before the line again."""
    data = opportunity.details
    if data["line_m"] < 0.0 or culprit.chase is None:
        return {}
    to_line_m = data["line_m"] - data["front_m"] - data["from_m"]
    if data["from_rest"] > 0.0:
        late_s = _false_start_s(to_line_m + OVER_LINE_M, data["from_rest"])
        brakes: tuple[Brake, ...] = (Brake(onset_s + late_s, onset_s + late_s + FALSE_START_S, COMFORTABLE_STOP_MPS2),)
    else:
        stop_m = data["culprit_mps"] * data["culprit_mps"] / (2.0 * COMFORTABLE_STOP_MPS2)
        late_s = min((to_line_m - stop_m) / data["culprit_mps"], LATE_SHARE * opportunity.onset_s)
        brakes = ()
    if late_s <= 0.0:
        return {}
    until_s = onset_s + late_s
    chase = replace(culprit.chase, to_s=until_s)
    own = replace(culprit, errs_s=(onset_s, until_s), chase=chase, brakes=brakes, shifts=(), reaction_s=None)
    other = Intent(overlooks=struck.overlooks, errs_s=(onset_s, until_s))
    return {opportunity.culprit: own, opportunity.victims[0]: other}


def _false_start_s(room_m: float, pulls_mps2: float) -> float:
    """How long somebody who waits may pull away and come to a stop again within this distance."""
    return math.sqrt(2.0 * max(room_m, 0.0) / (pulls_mps2 * (1.0 + pulls_mps2 / COMFORTABLE_STOP_MPS2)))


def _swerve(rng: np.random.Generator, contact_s: float, averted_s: float | None) -> tuple[Shift, ...]:
    """Half of those who are about to collide swerve, to either side, and most of them too late."""
    if averted_s is not None or rng.random() < 0.5:
        return ()
    late_s, by_m = float(rng.uniform(0.5, 1.2)), float(rng.uniform(0.8, 2.2))
    return (Shift(contact_s - late_s - LAGS_S, by_m if rng.random() < 0.5 else -by_m, 1.2),)


def following_plan(
    setting: Setting, opportunity: Opportunity, contact_s: float, attempt: int, averted_s: float | None = None
) -> Plan:
    """Looks away while the vehicle ahead slows down. ``averted_s``: looks up that long before the touch."""
    rng = setting.rng("plan", attempt)
    leader = opportunity.victims[0]
    onset_s = contact_s - opportunity.onset_s
    looks_s = contact_s - (float(rng.choice([0.0, 0.3, 0.45, 0.65])) if averted_s is None else averted_s)
    shifts: tuple[Shift, ...] = ()
    if rng.random() < 0.6:  # not square: drifting while looking away, or a late swerve
        offset = float(rng.uniform(-0.68, 0.68)) * 1.8
        shifts = (Shift(contact_s - 1.5, offset, 1.5),)
        if averted_s is not None:
            shifts = (*shifts, Shift(contact_s + 0.8, -offset, 1.8))
    culprit = Intent(blind_s=(onset_s, looks_s), reaction_s=NEVER_S, shifts=shifts)
    intents = {opportunity.culprit: culprit}
    brakes = opportunity.details.get("leader_brakes_mps2")
    late_s = min(LATE_SHARE * opportunity.onset_s, _latest_s(opportunity, brakes, hardest_braking_mps2(setting.grip)))
    calm = {opportunity.culprit: Intent(blind_s=(onset_s, onset_s + late_s))}
    if brakes is not None:
        # Whoever brakes hard does so whether or not the one behind is looking.
        stops = Intent(brakes=(Brake(onset_s, contact_s + float(rng.uniform(0.3, 4.0)), brakes),))
        intents[leader] = calm[leader] = stops
    return replace(_plan(opportunity, contact_s, intents), calm=calm)


def _latest_s(opportunity: Opportunity, brakes_mps2: float | None, hardest_mps2: float) -> float:
    """How long after the error would begin a driver may begin to brake as hard as possible: behind one who brakes to a
    standstill, or who slows down as they do (None)."""
    if brakes_mps2 is None:
        hard_mps2 = (1.0 - SPARE_SHARE) * hardest_mps2
        return max(opportunity.onset_s - opportunity.speed_mps / (2.0 * hard_mps2), 0.0)
    speed_mps, gap_m = opportunity.details["follower_mps"], opportunity.details["gap_m"]
    shorter_m = 0.5 * speed_mps * speed_mps * (1.0 / brakes_mps2 - 1.0 / hardest_mps2)
    return max(((1.0 - SPARE_SHARE) * gap_m + shorter_m) / speed_mps, 0.0)


def beside_plan(
    setting: Setting, opportunity: Opportunity, contact_s: float, attempt: int, short_m: float | None = None
) -> Plan:
    """Changes lanes into a vehicle that is abreast. ``short_m``: turns back that far before the touch."""
    rng = setting.rng("plan", attempt)
    victim = opportunity.victims[0]
    lane_m, touch_m = opportunity.details["lane_m"], opportunity.details["touch_m"]
    over_s = float(rng.uniform(1.3, 2.1))
    if short_m is None:
        over_s *= HASTY
        shifts: tuple[Shift, ...] = (reaching(lane_m, abs(touch_m / lane_m), contact_s + 0.05 * attempt, over_s),)
    else:
        by = touch_m - math.copysign(short_m, touch_m)
        shifts = (Shift(contact_s - 1.6, by, 1.5), Shift(contact_s + 0.15, -by, 1.8))
    onset_s = shifts[0].start_s - 0.3
    culprit = Intent(
        shifts=shifts, overlooks=frozenset({victim}), errs_s=(onset_s, contact_s + 4.0), reaction_s=NEVER_S
    )
    # The other one does not give way: they do not see it, or too late.
    struck = Intent(overlooks=frozenset({opportunity.culprit}), errs_s=(onset_s, contact_s + 0.05), reaction_s=NEVER_S)
    return _plan(opportunity, contact_s, {opportunity.culprit: culprit, victim: struck})


def oncoming_plan(
    setting: Setting, opportunity: Opportunity, contact_s: float, attempt: int, averted_s: float | None = None
) -> Plan:
    """Drifts over the middle of the road. ``averted_s``: back again, that long before the touch."""
    rng = setting.rng("plan", attempt)
    data = opportunity.details
    victim = opportunity.victims[0]
    overlap = float(rng.uniform(0.05, 0.13)) if opportunity.collision is CollisionType.SIDESWIPE else _overlap(rng)
    by = data["side_m"] - data["widths_m"] * (1.0 - overlap)
    over_s = float(rng.uniform(1.5, 2.3))
    # Fronts touch before the middles pass each other.
    closing = max(data["culprit_mps"] + data["victim_mps"], 1.0)
    touch_s = contact_s - 4.6 / closing - LAGS_S
    shifts: tuple[Shift, ...] = (Shift(touch_s - over_s - 0.1 * attempt, by, over_s),)
    if averted_s is not None:
        shifts = (Shift(touch_s - over_s - averted_s, by, over_s), Shift(touch_s - averted_s - 0.1, -by, 1.1))
    onset_s = shifts[0].start_s - 0.2
    culprit = Intent(
        shifts=shifts,
        blind_s=(onset_s, contact_s + 0.1 if averted_s is None else touch_s - averted_s),
        overlooks=frozenset({victim}),
        errs_s=(onset_s, contact_s + 0.1),
        reaction_s=NEVER_S,
    )
    reaction_s = float(rng.choice([0.5, 0.8, 1.1])) if attempt < 2 else NEVER_S
    struck = Intent(reaction_s=reaction_s, overlooks=frozenset({opportunity.culprit}), errs_s=(onset_s, touch_s - 0.5))
    if averted_s is not None:
        struck = Intent(reaction_s=float(rng.uniform(0.2, 0.6)))
    return _plan(opportunity, contact_s, {opportunity.culprit: culprit, victim: struck})


def crosswalk_plan(
    setting: Setting, opportunity: Opportunity, contact_s: float, attempt: int, averted_s: float | None = None
) -> Plan:
    """Does not yield to somebody on a crosswalk. ``averted_s``: brakes that long before, and they jump back."""
    rng = setting.rng("plan", attempt)
    data = opportunity.details
    person = opportunity.victims[0]
    onset_s = contact_s - opportunity.onset_s
    own = data["s_m"] - data["front_m"] + 0.15
    beside = float(rng.uniform(-0.7, 0.6)) * data["half_m"]
    chase = Chase(person, own, data["walk_s_m"] + beside, onset_s, contact_s - (averted_s or LETS_GO_S), 3.2)
    brakes: tuple[Brake, ...] = ()
    goes_on = setting.scene.aftermath is Aftermath.DRIVES_ON and averted_s is not None
    errs_until_s = contact_s + (6.0 if averted_s is None or goes_on else -averted_s)
    if goes_on and averted_s is not None:
        # Slows down as if by fright, and does not wait.
        brakes = (Brake(contact_s - averted_s, contact_s - averted_s + 0.7, float(rng.uniform(5.5, 7.0))),)
    elif averted_s is not None:
        brakes = (Brake(contact_s - averted_s, contact_s + 2.0, float(rng.uniform(6.0, 8.0))),)
    elif rng.random() < 0.6:
        brakes = (Brake(contact_s - float(rng.uniform(0.0, 0.35)), contact_s + 6.0, float(rng.uniform(*HARD_MPS2))),)
    culprit = Intent(
        ignores_signal=True,
        ignores_others=True,
        overlooks=frozenset({person}),
        errs_s=(onset_s, errs_until_s),
        chase=chase,
        brakes=brakes,
        reaction_s=NEVER_S,
    )
    unaware = frozenset({person}) if averted_s is None else frozenset()
    return replace(_plan(opportunity, contact_s, {opportunity.culprit: culprit}), unaware=unaware)


def stepping_out_plan(
    setting: Setting,
    timeline: Timeline,
    opportunity: Opportunity,
    contact_s: float,
    attempt: int,
    averted: bool = False,
    pace_mps: float | None = None,
) -> Plan:
    """Somebody steps onto the road in front of a vehicle. ``averted``: late enough ahead of it that it stops, or they
    jump back. ``pace_mps`` of the person, unless they have to be faster to be there in time."""
    rng = setting.rng("plan", attempt)
    data = opportunity.details
    person, vehicle = opportunity.culprit, opportunity.victims[0]
    x, y = opportunity.where
    way = int(data["way"])
    _, _, tx, ty = timeline.roads.place(way, data["s_m"])
    side = 1.0 if data["side_m"] > 0.0 else -1.0
    start = float(data["x_m"]), float(data["y_m"])
    reach = abs(data["side_m"])
    foot = x - ty * side * reach, y + tx * side * reach
    across_m = _far_kerb_m(setting, (x, y), (ty * side, -tx * side))
    over_m = across_m + BEYOND_KERB_M
    over = x + ty * side * over_m, y - tx * side * over_m
    walked = math.dist(start, foot)
    points = (start, foot, over) if walked > 0.4 else (start, over)
    first = walked if walked > 0.4 else 0.0
    kerb = max(reach - _far_kerb_m(setting, (x, y), (-ty * side, tx * side)), 0.2)
    route = Route(points, (Crossing(first + kerb, first + reach + across_m, None),))
    pace = float(rng.choice([1.3, 1.6, 2.0, 2.8], p=[0.35, 0.3, 0.2, 0.15]))
    pace = pace if pace_mps is None else pace_mps
    early_s = IN_THE_WAY_S if averted and pace_mps is None else 0.0
    pace = max(pace, min((first + reach) / (opportunity.onset_s - IN_TIME_S - early_s), FASTEST_ON_FOOT_MPS))
    into = float(rng.uniform(-0.6, 0.55)) * data["half_m"]  # where in front of the vehicle they are at the touch
    steps_s = contact_s - (reach - kerb - into) / pace - early_s - 0.15 * attempt
    reaction_s = float(rng.uniform(0.5, 1.1)) + 0.35 * attempt
    driver = Intent(reaction_s=reaction_s, overlooks=frozenset({person}), errs_s=(-math.inf, steps_s + reaction_s))
    if averted:
        # Brakes so late that it stops just before them, or they jump back.
        hard = 6.5 * min(setting.grip / 0.95, 1.0)
        brakes_s = contact_s - 0.5 * opportunity.speed_mps / hard - 0.12 - 0.1 * attempt
        brakes = (Brake(brakes_s, contact_s + 1.0, hard),)
        driver = Intent(overlooks=frozenset({person}), errs_s=(-math.inf, brakes_s), brakes=brakes)
    unaware = frozenset() if averted else frozenset({person})
    plan = _plan(opportunity, contact_s, {vehicle: driver})
    return replace(plan, routes={person: (route, steps_s, pace)}, unaware=unaware)


def _far_kerb_m(setting: Setting, at: tuple[float, float], ahead: tuple[float, float]) -> float:
    """How far the road reaches from a spot on it, straight across."""
    away_m = 2.0
    while away_m < WIDEST_M and setting.layout.on_road(at[0] + away_m * ahead[0], at[1] + away_m * ahead[1]):
        away_m += 0.5
    return away_m


def _plan(opportunity: Opportunity, contact_s: float, intents: dict[int, Intent]) -> Plan:
    return Plan(opportunity.culprit, opportunity.victims, intents, opportunity.cause, contact_s, opportunity.where)


def _overlap(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.35, 1.0))


def reaching(by_m: float, share: float, at_s: float, over_s: float) -> Shift:
    """A shift that has done a share of its way at a time; vehicles follow it a third of a second late."""
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        if middle * middle * (3.0 - 2.0 * middle) < share:
            low = middle
        else:
            high = middle
    return Shift(at_s - low * over_s - LAGS_S, by_m, over_s)
