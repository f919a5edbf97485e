"""What a row may ask to see after an incident, and whether a run shows it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.incidents.verdicts import REST_MPS
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.trace import forward
from its_core.taxonomy import Aftermath

SPIN_DEG = 45.0
PUSHED_M = 2.0


def lacks(run: Run, aftermath: Aftermath) -> str | None:
    """Why a run that happened does not show the aftermath asked for; None when it does."""
    return _CHECKS[aftermath](run)


def _vehicles_stop(run: Run) -> str | None:
    fastest = float(run.trace.speeds[-1, :2].max())
    return None if fastest < REST_MPS else f"a crashed car still moved at {fastest:.1f} m/s at the end"


def _block_traffic(run: Run) -> str | None:
    moving = _vehicles_stop(run)
    if moving is not None:
        return moving
    on_road = [_on_carriageway(run, number) for number in (0, 1)]
    return None if all(on_road) else "a crashed car came to rest off the carriageway"


def _on_carriageway(run: Run, number: int) -> bool:
    x, y = run.trace.positions[-1, number, :2]
    return any(x1 < x < x2 and y1 < y < y2 for x1, y1, x2, y2 in run.staging.layout.carriageways)


def _spins_out(run: Run) -> str | None:
    frame = max(run.trace.contacts[0].frame - 1, 0)
    turned = max(_turned_deg(run, frame, number) for number in (0, 1))
    return None if turned >= SPIN_DEG else f"no car turned by more than {turned:.0f} degrees"


def _turned_deg(run: Run, frame: int, number: int) -> float:
    before, after = forward(run.trace, frame, number), forward(run.trace, -1, number)
    return float(np.degrees(pm.acos(np.clip(pm.dot(before, after), -1.0, 1.0))))


def _pushed_forward(run: Run) -> str | None:
    """How far the struck car moved after the blow beyond what its own speed and brakes would have carried it."""
    frame = max(run.trace.contacts[0].frame - 1, 0)
    went = float(run.arcs[-1, 1] - run.arcs[frame, 1])
    alone = float(run.trace.speeds[frame, 1]) ** 2 / (2 * 6.5)
    return None if went - alone >= PUSHED_M else f"the struck car was pushed by {went - alone:.1f} m only"


def _drives_on(run: Run) -> str | None:
    return None if run.trace.speeds[-1, 0] > 2.0 else "the driver stopped"


def _pedestrians_retreat(run: Run) -> str | None:
    return None if run.trace.startle.max() > 0.5 else "nobody jumped back"


def _traffic_flows(run: Run) -> str | None:
    vehicles = len(run.paths)
    return None if vehicles == 0 or run.trace.speeds[-1, :vehicles].max() > 2.0 else "all traffic stood at the end"


_CHECKS: dict[Aftermath, Callable[[Run], str | None]] = {
    Aftermath.VEHICLES_STOP: _vehicles_stop,
    Aftermath.VEHICLES_BLOCK_TRAFFIC: _block_traffic,
    Aftermath.SPINS_OUT: _spins_out,
    Aftermath.PUSHED_FORWARD: _pushed_forward,
    Aftermath.DRIVES_ON: _drives_on,
    Aftermath.PEDESTRIANS_RETREAT: _pedestrians_retreat,
    Aftermath.TRAFFIC_FLOWS: _traffic_flows,
}
