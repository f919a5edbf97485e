"""What is told of a run beside its tracks: causes, severity, aftermaths, phases."""

from __future__ import annotations

from its_core.annotations import Phase
from its_core.engines.simulator.incidents.outcome.aftermaths import aftermaths_of, rolled_over
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, severity_of
from its_core.engines.simulator.rendering.ground_truth import Story
from its_core.engines.simulator.simulation.run import Run


def story_of(run: Run, verdict: Verdict) -> Story:
    roles = run.staging.roles
    severity, delta_v_kmh = severity_of(run)
    pair: tuple[int, ...] = ()
    if roles.errs and roles.culprit is not None:
        pair = (roles.culprit, *roles.victims[:1])
    return Story(
        pair=pair,
        anomaly=(verdict.anomaly_start, verdict.anomaly_end),
        collision=verdict.collision,
        cause=roles.cause if roles.errs else None,
        severity=severity,
        delta_v_kmh=delta_v_kmh,
        rollover=bool(rolled_over(run.trace)),
        aftermaths=tuple(aftermaths_of(run)),
        phases=phases_of(verdict, len(run.trace.positions)),
    )


def phases_of(verdict: Verdict, frames: int) -> tuple[Phase, ...]:
    """The clip's stretches in order, without a gap; empty ones are left out."""
    if verdict.event is not None:
        start, end = verdict.event
        parts = [("before", 0, start), ("event", start, end), ("after", end, frames)]
    elif verdict.anomaly_start is None or verdict.anomaly_end is None:
        parts = [("before", 0, frames)]
    elif verdict.impact_end is None or verdict.at_frame is None:
        start, end = verdict.anomaly_start, verdict.anomaly_end
        parts = [("before", 0, start), ("conflict", start, end), ("after", end, frames)]
    else:
        start, point, end = verdict.anomaly_start, verdict.at_frame, verdict.impact_end
        parts = [("before", 0, start), ("conflict", start, point), ("impact", point, end), ("after", end, frames)]
    return tuple(Phase.model_validate({"name": n, "start": a, "end": b}) for n, a, b in parts if a < b)
