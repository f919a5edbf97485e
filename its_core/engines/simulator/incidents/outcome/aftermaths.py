"""What is seen after an incident: the words that hold of a run, and why one that a row asks for does not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from its_core.engines.simulator import portable_math as pm
from its_core.engines.simulator.incidents.outcome.verdicts import REST_MPS
from its_core.engines.simulator.meshes.frights import felt_by
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.trace import Trace, forward, upright
from its_core.taxonomy import Aftermath

SPIN_DEG = 45.0
PUSHED_M = 2.0
ROLLED = 0.35  # the cosine of a lean beyond which a vehicle has rolled over
MOVES_MPS = 2.0
FRIGHT = 0.5  # 0 to 1: from here on people are seen to jump back


def lacks(run: Run, aftermath: Aftermath) -> str | None:
    """Why a run that happened does not show the aftermath asked for; None when it does."""
    return _CHECKS[aftermath](run)


def aftermaths_of(run: Run) -> list[Aftermath]:
    """All words that hold of a run, in the order of the vocabulary."""
    return [word for word in Aftermath if lacks(run, word) is None]


def rolled_over(trace: Trace) -> list[int]:
    """The vehicles (two-wheelers left out) that lay on their side or roof in some frame."""
    upright_from = [number for number in range(trace.vehicles) if number not in trace.limbs]
    frames = range(0, len(trace.positions), max(trace.fps // 8, 1))
    return [n for n in upright_from if min(upright(trace, frame, n) for frame in frames) < ROLLED]


def crashed(run: Run) -> list[int]:
    """The vehicles under way that took part in a contact."""
    trace = run.trace
    numbers = {n for contact in trace.contacts for n in contact.numbers if n < trace.vehicles}
    return sorted(number for number in numbers if not trace.actors[number].parked)


def _vehicles_stop(run: Run) -> str | None:
    numbers = crashed(run)
    if not numbers:
        return "nobody crashed"
    fastest = float(run.trace.speeds[-1, numbers].max())
    return None if fastest < REST_MPS else f"a crashed vehicle still moved at {fastest:.1f} m/s at the end"


def _block_traffic(run: Run) -> str | None:
    moving = _vehicles_stop(run)
    if moving is not None:
        return moving
    on_road = [run.staging.layout.on_road(*run.trace.positions[-1, number, :2].tolist()) for number in crashed(run)]
    return None if any(on_road) else "the crashed vehicles came to rest off the carriageway"


def _spins_out(run: Run) -> str | None:
    if not run.trace.contacts:
        return "nobody crashed"
    frame = max(min(run.trace.contacts[0].frame, len(run.trace.positions)) - 1, 0)
    turned = max((_turned_deg(run, frame, number) for number in crashed(run)), default=0.0)
    return None if turned >= SPIN_DEG else f"no vehicle turned by more than {turned:.0f} degrees"


def _turned_deg(run: Run, frame: int, number: int) -> float:
    """The largest turn about the vertical after a frame; two-wheelers fall over instead."""
    if number in run.trace.limbs:
        return 0.0
    before = forward(run.trace, frame, number)
    cosines = [float(pm.dot(before, forward(run.trace, at, number))) for at in range(frame, len(run.trace.positions))]
    return float(np.degrees(pm.acos(min(max(min(cosines), -1.0), 1.0))))


def _pushed_forward(run: Run) -> str | None:
    """How far the struck vehicle moved on after the blow beyond what its own speed and brakes would have carried it."""
    roles = run.staging.roles
    if not run.trace.contacts or not roles.victims or roles.victims[0] >= run.trace.vehicles:
        return "no vehicle was struck"
    frame = max(min(run.trace.contacts[0].frame, len(run.trace.positions)) - 1, 0)
    victim = roles.victims[0]
    moved = run.trace.positions[-1, victim, :2] - run.trace.positions[frame, victim, :2]
    went = float(pm.dot(moved, forward(run.trace, frame, victim)))
    alone = float(run.trace.speeds[frame, victim]) ** 2 / (2 * 6.5)
    return None if went - alone >= PUSHED_M else f"the struck vehicle was pushed by {went - alone:.1f} m only"


def _rolls_over(run: Run) -> str | None:
    return None if rolled_over(run.trace) else "no vehicle rolled over"


def _secondary(run: Run) -> str | None:
    """After the first contact one of its bodies touches another body or a thing, or others touch each other."""
    contacts = [contact for contact in run.trace.contacts if contact.frame < len(run.trace.positions)]
    if not contacts:
        return "nobody crashed"
    later = [each for each in contacts[1:] if each.numbers != contacts[0].numbers or each.thing is not None]
    return None if later else "nothing else was struck"


def _drives_on(run: Run) -> str | None:
    """The driver at fault (or whom somebody on foot got in the way of) moves on at the end."""
    roles = run.staging.roles
    drivers = [number for number in (roles.culprit, *roles.victims) if number is not None]
    culprit = next((number for number in drivers if number < run.trace.vehicles), None)
    if not roles.errs or culprit is None:
        return "no driver was concerned"
    if culprit in crashed(run) and not run.staging.vehicles[culprit].driver.intent.goes_on:
        return "the driver did not mean to drive on"
    last = run.trace.speeds[-max(run.trace.fps // 2, 1) :, culprit]
    return None if float(last.min()) > MOVES_MPS else "the driver stopped"


def _pedestrians_retreat(run: Run) -> str | None:
    """As it is drawn: people show a fright a moment after they have taken it, unless something strikes them first."""
    trace = run.trace
    for number in range(trace.vehicles, len(trace.actors)):
        startle, lying = trace.startle[:, number], trace.limbs.get(number)
        if float(startle.max()) <= FRIGHT:
            continue
        shown = felt_by(trace.actors[number].look, startle, trace.fps)
        if lying is not None:
            shown = shown[np.isnan(lying[:, 0, 0])]
        if float(shown.max(initial=0.0)) > FRIGHT:
            return None
    return "nobody jumped back"


def _traffic_flows(run: Run) -> str | None:
    hit = set(crashed(run))
    others = [number for number in range(run.trace.vehicles) if number not in hit]
    end = run.trace.speeds[-run.trace.fps :, others]
    return None if end.size and float(end.max()) > MOVES_MPS else "all traffic stood at the end"


_CHECKS: dict[Aftermath, Callable[[Run], str | None]] = {
    Aftermath.VEHICLES_STOP: _vehicles_stop,
    Aftermath.VEHICLES_BLOCK_TRAFFIC: _block_traffic,
    Aftermath.SPINS_OUT: _spins_out,
    Aftermath.PUSHED_FORWARD: _pushed_forward,
    Aftermath.ROLLS_OVER: _rolls_over,
    Aftermath.SECONDARY_COLLISION: _secondary,
    Aftermath.DRIVES_ON: _drives_on,
    Aftermath.PEDESTRIANS_RETREAT: _pedestrians_retreat,
    Aftermath.TRAFFIC_FLOWS: _traffic_flows,
}
