"""A driver does not yield to somebody who crosses, or somebody steps out in front of one, and it ends well: the driver
brakes hard, and the person jumps back or hurries on."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.incidents.errors import crosswalk_plan, stepping_out_plan
from its_core.engines.simulator.incidents.kind import Kind, Traffic
from its_core.engines.simulator.incidents.kinds import pedestrian_collision
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.measures import apart_m, hardest_braking_mps2
from its_core.engines.simulator.incidents.outcome.verdicts import COMING_S, Verdict, failed, nearing, window
from its_core.engines.simulator.incidents.picture_size import plain_share
from its_core.engines.simulator.incidents.rehearsal import Rehearsal, is_before_front
from its_core.engines.simulator.incidents.search.anyone import best_in_view
from its_core.engines.simulator.incidents.search.people import stepping_out_opportunities
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.trace import forward
from its_core.taxonomy import Cause, ParticipantType

NEAREST_M = 2.0
WITHIN = (0.12, 0.94)  # shares of the clip
FAST_MPS = 2.5
HARD_MPS2 = 4.5
STARTLED = 0.4  # of a jump
COMES_MPS = 4.0  # slower cars stop without anybody's being endangered
BRAKES_MPS2 = 7.0
NEEDS_S = 1.2  # of the clip after the point: the two are seen to pass each other
LEAST_SHARE = 0.045
PLAIN_SHARE = 0.085  # somebody on foot is about 40 pixels tall then in a picture of 1280
ABOUT_M = 0.35  # the point of it is where they are first about as near as they come


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    """Somebody who crosses, or who steps out, as drawn or asked for; the other where the camera shows none of these
    large enough."""
    cause = pedestrian_collision.asked_cause(setting.scene)
    found = [each for each in pedestrian_collision.search(timeline, setting) if each.speed_mps > COMES_MPS]
    share, contact_s = plain_share(setting, PLAIN_SHARE), KIND.contact_s(setting)
    if cause is not None or best_in_view(setting, timeline, contact_s, found, [], share=share):
        return found
    steps_out = stepping_out_opportunities(timeline)
    return best_in_view(setting, timeline, contact_s, steps_out, found + steps_out, share=share)


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:
    rng = setting.rng("averted", attempt)
    if opportunity.cause is Cause.STEPPED_OUT:
        return stepping_out_plan(setting, timeline, opportunity, contact_s, attempt, averted=True)
    grip = min(setting.grip / 0.95, 1.0)
    # From just too late for a stop on: who brakes earlier stops far from anybody.
    stops_s = 0.5 * opportunity.speed_mps / (BRAKES_MPS2 * grip)
    averted_s = max(stops_s + (0.13 * attempt + float(rng.uniform(-0.08, 0.04))) / grip, 0.25)
    return crosswalk_plan(setting, opportunity, contact_s, attempt, averted_s)


def accepts(setting: Setting, opportunity: Opportunity, plan: Plan, rehearsal: Rehearsal) -> bool:  # noqa: ARG001
    share = rehearsal.nearest_s / setting.duration_s
    timely = abs(rehearsal.nearest_s - plan.contact_s) < 2.0 and WITHIN[0] + 0.01 < share < WITHIN[1] - 0.01
    seen_in_danger = rehearsal.startle > STARTLED and rehearsal.in_the_way
    return rehearsal.first is None and seen_in_danger and 0.08 < rehearsal.nearest_m < 0.8 * NEAREST_M and timely


def judge(setting: Setting, run: Run) -> Verdict:
    """Nobody touches; car and person come near each other on a collision course, and one of them reacts."""
    roles = run.staging.roles
    assert roles.culprit is not None and roles.contact_s is not None
    trace = run.trace
    a, b = roles.culprit, roles.victims[0]
    person, car = (a, b) if trace.actors[a].type is ParticipantType.PEDESTRIAN else (b, a)
    gap = apart_m(trace, car, person)
    fast = trace.speeds[:, car] > FAST_MPS
    point = round(roles.contact_s * trace.fps)
    about = slice(max(point - 2 * trace.fps, 0), min(point + 2 * trace.fps, len(gap)))
    nearest = about.start + int(np.argmax(gap[about] <= gap[about].min() + ABOUT_M))
    if gap[nearest] > NEAREST_M:
        return failed(f"they came no nearer than {gap[nearest]:.1f} m")
    if not WITHIN[0] < nearest / len(gap) < WITHIN[1]:
        return failed("they came near each other too close to the clip's ends")
    early, late = max(nearest - 2 * trace.fps, 0), min(nearest + trace.fps, len(gap))
    if not fast[early:late].any():
        return failed("the car crept past")
    if hardest_braking_mps2(trace, car, early, late) < HARD_MPS2 * min(setting.grip / 0.95, 1.0):
        return failed("the driver did not have to brake hard")
    if float(trace.startle[early:late, person].max()) < STARTLED:
        return failed("the person did not have to jump")
    start, _ = window(run, nearest, nearing(run, a, b, COMING_S), (a, b))
    end = min(nearest + round(0.9 * trace.fps), len(gap))
    x, y = (float(value) for value in trace.positions[nearest, person, :2])
    doubt = "" if in_the_way(run, car, person, early, late) else "the person was not in the car's way"
    return Verdict(True, "", start, end, None, (x, y, 0.9), nearest, (a, b), doubt=doubt)


def in_the_way(run: Run, car: int, person: int, start: int, end: int) -> bool:
    """Whether a person was on the road just in front of a car that came, in some frame: who steps back from the kerb is
    not seen to be in danger."""
    trace, layout = run.trace, run.staging.layout
    body = VEHICLES[trace.actors[car].type]
    for frame in range(start, end):
        dx, dy = (float(value) for value in trace.positions[frame, person, :2] - trace.positions[frame, car, :2])
        fx, fy = (float(value) for value in forward(trace, frame, car))
        before = is_before_front((dx, dy), (fx, fy), body.length_m / 2, body.width_m / 2)
        if before and trace.speeds[frame, car] > FAST_MPS / 2:
            x, y = (float(value) for value in trace.positions[frame, person, :2])
            if layout.on_road(x, y):
                return True
    return False


KIND = Kind(
    search,
    plan,
    accepts,
    judge,
    touches=False,
    attempts=6,
    least_share=LEAST_SHARE,
    plain_share=PLAIN_SHARE,
    needs_s=NEEDS_S,
    traffic=Traffic(usual=True),
)
