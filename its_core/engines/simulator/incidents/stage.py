"""From a setting and a kind of incident to a staged try: traffic flows, a moment in it is chosen, somebody errs
there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from its_core.clip import Scene
from its_core.engines.simulator.incidents.budget import Budget
from its_core.engines.simulator.incidents.cast.assembly import assembled
from its_core.engines.simulator.incidents.cast.casting import Wanted, named, recoloured
from its_core.engines.simulator.incidents.cast.company import with_company
from its_core.engines.simulator.incidents.consequences import with_consequences
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.picture_size import (
    SMALLER,
    is_wide_enough,
    plain_share,
    smaller,
    smallest_share,
)
from its_core.engines.simulator.incidents.ranking import in_turn
from its_core.engines.simulator.incidents.rehearsal import STEP_S as REHEARSAL_STEP_S
from its_core.engines.simulator.incidents.rehearsal import Rehearsal, begun, company, rehearsed
from its_core.engines.simulator.incidents.setting import Setting, legible
from its_core.engines.simulator.incidents.sight import in_sight, stays_in_view
from its_core.engines.simulator.incidents.timeline import HORIZON_S, Timeline, recorded
from its_core.engines.simulator.simulation.flow import STEP_S, Demand, Flow
from its_core.engines.simulator.simulation.rails import Traffic
from its_core.engines.simulator.simulation.staging import Staging
from its_core.taxonomy import CollisionType, ParticipantType, TrafficDensity

# Rounds of traffic, until one holds the moment that is looked for: how much is let in (more where a moment is rare),
# and how much later it is looked at, so that the signals show something else.
SCALES = (1.0, 1.0, 1.4, 1.8, 2.2, 2.6, *(1.4, 1.8, 2.2, 2.6) * 5)
BUSY = {TrafficDensity.LOW: 2.2, TrafficDensity.MEDIUM: 1.6, TrafficDensity.HIGH: 1.2}  # times as much, at least
LATER_S = (0.0, 14.0, 28.0, 8.0)
LONG_FROM, LONG_S = 2, 2 * HORIZON_S  # from this round on, settled traffic is looked at for so long
CRAWLS_MPS = (1.8, 3.2)  # of a jam; a slower one would pass for a still picture
TRIED = 7  # moments of one round
PLAIN_UNTIL = (2, 3)  # up to these rounds, only moments of a kind's plain size, and of ``NEARLY_PLAIN`` of it
NEARLY_PLAIN = 0.75
SMALLER_FROM = 5  # from this round on, smaller ones will do: a far camera sees no larger ones
SMALLER_IF_ASKED = 2  # and from this one on where a row says why or to whom it happens
LATER_FROM = 5  # from this round on, a kind's second choice
STAGINGS = 1  # of one moment
CALM_HORIZON_S = 12.0  # beyond the clip: what does not go wrong is found soon, in most traffic
LATEST_TOUCH = 0.88  # share of the clip
_AFTER_S = 1.0  # a crash that comes later than this after its point is none
_AVERTED_S = 2.2  # so long after its point two who almost collided are past each other
_LONG_BEFORE_S = 0.8
_FAR_APART_M = 6.0  # two who almost collide do not come nearer when they brake earlier


@dataclass(frozen=True, slots=True)
class Staged:
    """``staging`` of a try; ``calm`` makes the same traffic with nobody erring; ``rounds``: the number of clips' worth
    of traffic that were looked through."""

    staging: Staging
    calm: Callable[[], Staging] | None
    rounds: int


def staged_moments(setting: Setting, kind: Kind, budget: Budget) -> Iterator[Staged | str]:
    """One moment after another that came true in rehearsal, and texts that say why others did not, until the budget is
    spent. Which ones come, and in which order, follows from the seed alone."""
    wanted = named(setting.scene, kind.errs, kind.culprit(setting))
    plain = 0.0 if _asks_for_more(setting.scene) else plain_share(setting, kind.plain_share)
    for round_ in range(len(SCALES)):
        if budget.is_spent:
            return
        timeline = _timeline(setting, kind, round_, {}, budget)
        rng = setting.rng("moment", round_)
        moments = _search(kind, timeline, setting, round_)
        found = [each for each in moments if _possible(setting, kind, timeline, each, round_, plain)]
        if not found:
            yield "ordinary traffic held no such moment"
        ranked = in_turn(setting, kind, found, rng, wanted, timeline)
        for opportunity in in_sight(setting, timeline, ranked)[:TRIED]:
            if budget.is_spent:
                return
            yield from _stagings(setting, kind, timeline, opportunity, round_, wanted, budget, plain)


def _asks_for_more(scene: Scene) -> bool:
    """Whether a row says why or to whom its incident happens: fewer moments are so."""
    return scene.cause is not None or bool(scene.participants)


def _search(kind: Kind, timeline: Timeline, setting: Setting, round_: int) -> list[Opportunity]:
    looks_for = kind.later if kind.later is not None and round_ >= LATER_FROM else kind.search
    return looks_for(timeline, setting)


def _timeline(
    setting: Setting, kind: Kind, round_: int, types: Mapping[int, ParticipantType], budget: Budget
) -> Timeline:
    rng = setting.rng("flow", round_)
    crawls = float(setting.rng("crawls").uniform(*CRAWLS_MPS)) if kind.traffic.crawls else None
    scale = 1.0 if kind.traffic.usual else SCALES[round_]
    scale = max(scale, BUSY[setting.density] if kind.traffic.busy else 0.0)
    demand = Demand(scale * (1.5 if kind.traffic.crawls else 1.0), kind.traffic.boosts, crawls)
    flow = Flow(setting.layout, setting.density, setting.surface, rng, setting.programme, types, demand)
    is_rare = kind.errs or kind.traffic.rare or round_ >= LATER_FROM
    horizon_s = HORIZON_S if is_rare else min(setting.duration_s + CALM_HORIZON_S, HORIZON_S)
    later_s = LATER_S[round_ % len(LATER_S)] if setting.programme else 0.0
    if is_rare and round_ >= LONG_FROM:  # letting traffic settle is dear
        horizon_s, later_s = LONG_S, 0.0
    timeline = recorded(flow, setting.programme, kind.traffic.crawls, horizon_s, later_s)
    # The warm-up costs as much, step for step; looking through a timeline takes about as long as recording it.
    recorded_steps = sum(len(track.s_m) for track in timeline.tracks.values())
    budget.spend(recorded_steps * (1.0 + flow.traffic.time_s / horizon_s))
    return timeline


def _possible(
    setting: Setting, kind: Kind, timeline: Timeline, opportunity: Opportunity, round_: int, plain: float
) -> bool:
    """Whether the clip can hold a moment, at the place of it that is drawn, where the camera sees it large enough:
    ``plain`` in the first rounds; in later rounds smaller ones will do."""
    scene = setting.scene
    if scene.cause is not None and opportunity.cause is not scene.cause:
        return False
    if scene.collision_type is not None and opportunity.collision not in (scene.collision_type, None):
        return False
    contact_s = kind.contact_s(setting)
    time_s = timeline.time_s(opportunity.step)
    if time_s < contact_s + 0.1 or time_s + setting.duration_s - contact_s > timeline.time_s(timeline.steps) - 0.2:
        return False
    smaller_from = SMALLER_IF_ASKED if _asks_for_more(scene) else SMALLER_FROM
    least = 1.0 if round_ < smaller_from else smaller(timeline, opportunity) if kind.touches else SMALLER
    share = least * smallest_share(setting, timeline, opportunity, kind.least_share)
    if round_ < PLAIN_UNTIL[1]:
        share = max(share, plain * (1.0 if round_ < PLAIN_UNTIL[0] else NEARLY_PLAIN))
    wide = is_wide_enough(setting, timeline, opportunity, least, kind.least_share)
    if not wide or not legible(setting.camera, *opportunity.where, share):
        return False
    return kind.touches or len(opportunity.victims) != 1 or stays_in_view(setting, timeline, opportunity)


def _stagings(
    setting: Setting,
    kind: Kind,
    timeline: Timeline,
    opportunity: Opportunity,
    round_: int,
    wanted: Wanted,
    budget: Budget,
    plain: float,
) -> Iterator[Staged | str]:
    """The stagings of one moment that come true in rehearsal, or why none does."""
    types = wanted.types_for(opportunity, timeline)
    if types:  # the traffic flows otherwise with other vehicles in it
        timeline = _timeline(setting, kind, round_, types, budget)
        again = [
            each
            for each in _search(kind, timeline, setting, round_)
            if each.culprit == opportunity.culprit
            and each.victims == opportunity.victims
            and _possible(setting, kind, timeline, each, round_, plain)
        ]
        if not again:
            yield "the vehicles asked for do not meet there"
            return
        opportunity = again[int(setting.rng("again", round_).integers(len(again)))]
    contact_s = kind.contact_s(setting)
    step = timeline.snapshot_step(opportunity.step - contact_s / STEP_S)
    start_s = timeline.time_s(step)
    contact_s = timeline.time_s(opportunity.step) - start_s
    there = replace(
        setting, programme=setting.programme.shifted(timeline.start_s + start_s) if setting.programme else None
    )
    # Errors that begin before the clip does are made before it begins.
    early_steps = max(round((opportunity.onset_s + 0.25 - contact_s) / STEP_S), 0)
    early = timeline.snapshot_step(step - early_steps)
    before = timeline.traffic_at(early)
    before.set_clock(-timeline.time_s(step - early))
    recoloured(before, wanted, opportunity, setting)
    others = with_company(before, wanted, opportunity)
    if not {opportunity.culprit, *opportunity.victims} <= _numbers(before) & _numbers(timeline.traffic_at(step)):
        yield "not everybody is there when the clip begins"
        return
    staged = 0
    for attempt in range(kind.attempts):
        plan = kind.plan(there, timeline, opportunity, contact_s, attempt)
        plan = replace(plan, struck=(*plan.struck, *others))
        if kind.touches:
            plan = with_consequences(there, before, opportunity, plan, attempt)
        rehearsal = _rehearsed(there, kind, before, plan, budget)
        timely = rehearsal.first is None or rehearsal.first_s < LATEST_TOUCH * setting.duration_s
        if not timely or not kind.accepts(there, opportunity, plan, rehearsal):
            if _is_hopeless(kind, opportunity, plan, rehearsal):
                break
            continue
        traffic = before.copied()
        begun(there, traffic, plan)
        staging = assembled(there, traffic, plan, wanted, kind.errs, acts=True)
        yield Staged(staging, _calm(there, before, plan, wanted) if kind.errs else None, round_ + 1)
        staged += 1
        if staged == STAGINGS:
            return
    if not staged:
        yield "nobody met in rehearsal"


def _calm(setting: Setting, before: Traffic, plan: Plan, wanted: Wanted) -> Callable[[], Staging]:
    """Makes the traffic of a plan in which nobody errs, when it is asked for."""
    wanted = replace(wanted, colours=dict(wanted.colours))

    def made() -> Staging:
        traffic = before.copied()
        begun(setting, traffic, replace(plan, intents=plan.calm, ways={}, routes={}, unaware=frozenset()))
        return assembled(setting, traffic, plan, wanted, errs=False, acts=False)

    return made


def _rehearsed(setting: Setting, kind: Kind, before: Traffic, plan: Plan, budget: Budget) -> Rehearsal:
    other = plan.victims[0] if plan.victims else plan.culprit
    until_s = setting.duration_s
    if kind.errs:
        until_s = min(plan.contact_s + (_AFTER_S if kind.touches else _AVERTED_S), until_s)
    near = company(setting, before, plan)
    begun(setting, near, plan)
    users = len(near.drivers) + len(near.walkers)
    found = rehearsed(setting, near, (plan.culprit, other), plan.contact_s, until_s, kind.things(setting))
    budget.spend(users * min(found.first_s, until_s) / REHEARSAL_STEP_S)
    return found


def _is_hopeless(kind: Kind, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:
    """Whether a moment's further plans would not do better: others touch whatever its two do, one of the two touches
    somebody else long before, or the two who shall only almost collide stay far apart (they brake earlier from plan to
    plan; where two come towards each other, they come nearer)."""
    if rehearsal.first is not None:
        named = {plan.culprit, *plan.victims, *plan.struck}
        long_before = rehearsal.first_s < plan.contact_s - _LONG_BEFORE_S
        return not rehearsal.first & named or (long_before and not rehearsal.first <= named)
    brakes_earlier = kind.errs and not kind.touches and opportunity.collision is not CollisionType.HEAD_ON
    return brakes_earlier and rehearsal.nearest_m > _FAR_APART_M


def _numbers(traffic: Traffic) -> set[int]:
    return {driver.number for driver in traffic.drivers} | {walker.number for walker in traffic.walkers}
