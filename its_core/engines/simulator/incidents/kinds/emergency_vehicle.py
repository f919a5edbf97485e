"""An ambulance, a police car or a fire engine passes with its beacons on, and the others make room."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from its_core.clip import Participant
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.negatives import doing, nobody_touches, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.search.anyone import under_way
from its_core.engines.simulator.incidents.search.following import pairs
from its_core.engines.simulator.incidents.setting import Setting, in_picture
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.flow import STEP_S
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.traffic.habits import Intent, Shift
from its_core.taxonomy import Colour, ParticipantType, Role

_FLEET = (
    (ParticipantType.VAN, Colour.WHITE, 0.45),
    (ParticipantType.VAN, Colour.YELLOW, 0.1),
    (ParticipantType.SUV, Colour.WHITE, 0.15),
    (ParticipantType.SEDAN, Colour.BLACK, 0.1),
    (ParticipantType.TRUCK, Colour.RED, 0.2),
)
ONSET_S = 3.0
ASIDE_M = 1.7  # beside its lane's middle, past those who pull over
BEFORE_S = 4.0  # the first of them
ENOUGH = 4  # moments with somebody ahead to pull over: then there are no others
PASSES_M = 12.0  # in the picture


def culprit(setting: Setting) -> Participant:
    at = float(setting.rng("fleet").random())
    for type_, colour, share in _FLEET:
        at -= share
        if at < 0.0:
            return Participant(type_, colour, Role.BYSTANDER)
    return Participant(ParticipantType.VAN, Colour.WHITE, Role.BYSTANDER)


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:  # noqa: ARG001
    """With the vehicle ahead, where there is one to pull over."""
    found = []
    ahead: dict[int, dict[int, int]] = {}
    for each in under_way(timeline, 5.0, ONSET_S):
        step = int(each.step - ONSET_S / STEP_S)
        if step < 0:
            continue
        if step not in ahead:
            ahead[step] = {back.number: front.number for back, front in pairs(timeline, step)}
        leader = ahead[step].get(each.culprit)
        found.append(each if leader is None else replace(each, details={**each.details, "leader": float(leader)}))
    passing = [each for each in found if "leader" in each.details]
    return passing if len(passing) >= ENOUGH else found


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    rng = setting.rng("plan", attempt)
    passes = (Shift(contact_s - BEFORE_S, ASIDE_M, float(rng.uniform(1.6, 2.4))),) if attempt < 2 else ()
    runs = Intent(beacon=True, ignores_signal=attempt % 2 == 0, shifts=passes)
    return doing(opportunity, contact_s, {opportunity.culprit: runs})


def judge(setting: Setting, run: Run) -> Verdict:
    roles = run.staging.roles
    assert roles.culprit is not None and roles.contact_s is not None
    seen = in_picture(setting.camera, run.trace.positions[:, roles.culprit] + np.array([0.0, 0.0, 1.0]), 0.0)
    if seen.sum() < run.trace.fps:
        return failed("it was in the picture for less than a second")
    frames = np.flatnonzero(seen)
    moved_m = float(run.trace.speeds[frames, roles.culprit].sum()) / run.trace.fps
    if moved_m < PASSES_M:
        return failed(f"it moved {moved_m:.0f} m in the picture only")
    return shows(run, int(frames[0]), int(frames[-1]) + 1, roles.culprit, int(frames[len(frames) // 2]))


KIND = Kind(search, plan, nobody_touches, judge, errs=False, touches=False, culprit=culprit)
