"""Traffic past road works: cones close a lane, vehicles of the works stand behind them."""

from __future__ import annotations

from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.negatives import doing, nobody_touches, shows
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict
from its_core.engines.simulator.incidents.search.anyone import under_way
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:  # noqa: ARG001
    return list(under_way(timeline, 3.0, 0.0))


def plan(setting: Setting, timeline: Timeline, opportunity: Opportunity, contact_s: float, attempt: int) -> Plan:  # noqa: ARG001
    return doing(opportunity, contact_s, {})


def judge(setting: Setting, run: Run) -> Verdict:  # noqa: ARG001
    roles = run.staging.roles
    assert roles.culprit is not None and roles.contact_s is not None
    frame = min(round(roles.contact_s * run.trace.fps), len(run.trace.positions) - 1)
    return shows(run, 0, len(run.trace.positions), roles.culprit, frame)


KIND = Kind(search, plan, nobody_touches, judge, errs=False, touches=False, attempts=1)
