"""Whether the incident that is asked for is the one that a viewer would name: no other crash outweighs it."""

from __future__ import annotations

from its_core.clip import Scene
from its_core.engines.simulator.dimensions import TWO_WHEELERS
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.trace import Trace, TraceContact
from its_core.taxonomy import Aftermath, IncidentType, ParticipantType

MOST_OF_FIRST = 0.6  # of the first crash's change of velocity, that a later one with others may have
MOST_BESIDE_STRUCK_MPS = 2.0  # where somebody on foot or on two wheels was struck first


def outweighed(scene: Scene, run: Run, verdict: Verdict) -> str:
    """Why another crash would be named instead; empty when none would, or when the row asks for a second one."""
    if scene.incident_type is IncidentType.MULTI_VEHICLE_PILEUP or scene.aftermath is Aftermath.SECONDARY_COLLISION:
        return ""
    trace, concerned = run.trace, frozenset(verdict.shown)
    if not trace.contacts or verdict.impact_end is None:
        return ""
    first, later = trace.contacts[0], trace.contacts[1:]
    frail = any(_frail(trace, number) for number in first.numbers)
    most_mps = MOST_BESIDE_STRUCK_MPS if frail else MOST_OF_FIRST * max(first.delta_v_mps)
    for contact in later:
        if concerned >= frozenset(contact.numbers):
            continue
        if _strikes_another(trace, contact, concerned) or max(contact.delta_v_mps) > most_mps:
            return "a second crash outweighs it"
    return ""


def _strikes_another(trace: Trace, contact: TraceContact, concerned: frozenset[int]) -> bool:
    """Whether somebody else on foot or on two wheels is struck."""
    return any(_frail(trace, number) and number not in concerned for number in contact.numbers)


def _frail(trace: Trace, number: int) -> bool:
    type_ = trace.actors[number].type
    return type_ is ParticipantType.PEDESTRIAN or type_ in TWO_WHEELERS
