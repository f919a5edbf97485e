"""What collisions with cyclists and with motorcyclists have in common: every way in which cars and two-wheelers
meet."""

from __future__ import annotations

from dataclasses import replace

from its_core.engines.simulator.dimensions import TWO_WHEELERS
from its_core.engines.simulator.incidents.errors import beside_plan, crossing_plan, following_plan, oncoming_plan
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import FAINT, Verdict, blow_verdict, failed, first_blow
from its_core.engines.simulator.incidents.picture_size import SMALLEST_SHARE_OF_ONE
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.search.beside import beside_opportunities, oncoming_opportunities
from its_core.engines.simulator.incidents.search.crossing import crossing_opportunities
from its_core.engines.simulator.incidents.search.following import following_opportunities
from its_core.engines.simulator.incidents.setting import Setting, legible
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.drivers import hardest_braking_mps2
from its_core.engines.simulator.traffic.habits import Shift
from its_core.taxonomy import ParticipantType

CROSSING, FOLLOWING, BESIDE, ONCOMING = "crossing", "following", "beside", "oncoming"
ONCOMING_SHARE = 0.3
LEAST_CLOSING_MPS = 2.8  # below it a rider drops beside the car
BACK_AFTER_S, BACK_OVER_S = 0.2, 1.1  # over the middle of the road, a driver who has struck somebody comes back
LEAST_BLOW_MPS = 1.5  # of the two-wheeler's change of velocity: a glancing touch does not show


def meetings(timeline: Timeline, setting: Setting, rider: ParticipantType) -> list[Opportunity]:
    """Moments in which a car and a two-wheeler of a type could collide."""

    def rides(type_: ParticipantType) -> bool:
        return type_ is rider

    def drives(type_: ParticipantType) -> bool:
        return type_ not in TWO_WHEELERS

    found = [replace(each, variant=CROSSING) for each in crossing_opportunities(timeline, rides, drives)]
    if rider is ParticipantType.MOTORCYCLE:
        found += [replace(each, variant=CROSSING) for each in crossing_opportunities(timeline, drives, rides)]
    hardest = hardest_braking_mps2(setting.grip)
    found += [replace(each, variant=FOLLOWING) for each in following_opportunities(timeline, hardest)]
    found += [replace(each, variant=BESIDE) for each in beside_opportunities(timeline)]
    found = [each for each in found if _one_rides(timeline, each, rider)]
    if (
        not any(legible(setting.camera, *each.where, SMALLEST_SHARE_OF_ONE) for each in found)
        or setting.rng("oncoming").random() < ONCOMING_SHARE
    ):
        oncoming = [replace(each, variant=ONCOMING) for each in oncoming_opportunities(timeline)]
        found += [each for each in oncoming if _one_rides(timeline, each, rider)]
    return found


def _one_rides(timeline: Timeline, opportunity: Opportunity, rider: ParticipantType) -> bool:
    types = [timeline.tracks[n].type for n in (opportunity.culprit, *opportunity.victims)]
    return rider in types and sum(type_ in TWO_WHEELERS for type_ in types) == 1


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:
    match opportunity.variant:
        case "crossing":
            # A bicycle that rides into the side of a car hardly shows.
            cycles = timeline.tracks[opportunity.victims[0]].type is ParticipantType.BICYCLE
            return crossing_plan(setting, opportunity, contact_s, attempt, head_first=cycles)
        case "following":
            return following_plan(setting, opportunity, contact_s, attempt)
        case "beside":
            return beside_plan(setting, opportunity, contact_s, attempt)
    return _back_again(oncoming_plan(setting, opportunity, contact_s, attempt), contact_s)


def _back_again(plan: Plan, contact_s: float) -> Plan:
    """A driver who has struck a rider wakes up and steers back, rather than into the next who comes along."""
    own = plan.intents[plan.culprit]
    back = Shift(contact_s + BACK_AFTER_S, -own.shifts[0].by_m, BACK_OVER_S)
    return replace(plan, intents={**plan.intents, plan.culprit: replace(own, shifts=(*own.shifts, back))})


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    pair = frozenset((plan.culprit, plan.victims[0]))
    hard = rehearsal.closing_mps > LEAST_CLOSING_MPS + 0.4
    return rehearsal.first == pair and abs(rehearsal.first_s - plan.contact_s) < 0.9 and hard


def judge(setting: Setting, run: Run) -> Verdict:  # noqa: ARG001
    """The two touch first of all, and the two-wheeler falls."""
    blow = first_blow(run)
    if isinstance(blow, str):
        return failed(blow)
    a, b = blow.numbers
    rider = a if run.trace.actors[a].type in TWO_WHEELERS else b
    if rider not in run.trace.limbs:
        return failed("the two-wheeler did not fall")
    if blow.episode.closing_mps < LEAST_CLOSING_MPS:
        return failed(FAINT)
    return replace(blow_verdict(run, blow), doubt=FAINT if blow.episode.delta_v_mps(rider) < LEAST_BLOW_MPS else "")
