"""Tries seed after seed, physics only, until the incident asked for has happened where the camera sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.incidents.budget import Budget
from its_core.engines.simulator.incidents.catalogue import KINDS
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.kinds.normal_traffic import PLAIN, averted
from its_core.engines.simulator.incidents.outcome.aftermaths import lacks
from its_core.engines.simulator.incidents.outcome.distractions import closely_passed, more_striking
from its_core.engines.simulator.incidents.outcome.measures import passes_through
from its_core.engines.simulator.incidents.outcome.prominence import outweighed
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed, severity_of, touched
from its_core.engines.simulator.incidents.outcome.visibility import hard_to_make_out, nothing_moves, unseen
from its_core.engines.simulator.incidents.setting import Setting, setting_of
from its_core.engines.simulator.incidents.stage import staged_moments
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.randomness import attempt_seed
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.simulation.run import Run, simulate
from its_core.engines.simulator.simulation.staging import Staging
from its_core.garbage import no_garbage_collection
from its_core.taxonomy import IncidentType

SHORT_S = 3.0  # clips shorter than this hold no incident that could be averted
PLAIN_FROM = 5  # normal traffic is plain traffic from this try on
PHYSICS_RUNS = 14  # of one try: a moment that comes true on rails may not in the physics
# Of one try, in steps of one road user on rails; and so many more where moments came true in rehearsal, but none in the
# physics yet: another seed would begin from nothing.
BUDGET_STEPS, RESERVE_STEPS = 600_000.0, 400_000.0
PHYSICS_STEPS = 10.0  # that one frame of one road user takes in the physics
PASSED_OVER = 5  # moments of one try that a viewer might not name
NO_MOMENT = "ordinary traffic held no such moment"


@dataclass(frozen=True, slots=True)
class Try:
    """``why`` is empty when the incident happened. ``run`` is the physics, None where no moment was found, and only to
    the first touch where that is why it failed; ``runs`` counts the moments of it that went through the physics."""

    seed: int
    why: str
    run: Run | None = None
    verdict: Verdict | None = None
    runs: int = 0


@dataclass(frozen=True, slots=True)
class Tried:
    """``run`` and ``verdict`` are None when no try succeeded; ``tries`` are all of them, the successful one last."""

    run: Run | None
    verdict: Verdict | None
    tries: tuple[Try, ...]


_Played = tuple[Try, Callable[[], Staging] | None]  # and what makes the same traffic with nobody erring


def try_until_it_happens(
    scene: Scene, layout: Layout, camera: Camera, geometry: Geometry, seed: int, attempts: int
) -> Tried:
    """The first try takes ``seed`` itself, later ones seeds derived from it."""
    tries: list[Try] = []
    for attempt in range(attempts):
        own = setting_of(scene, layout, geometry, camera, attempt_seed(seed, attempt))
        tries.append(one_try(own, plain=attempt >= PLAIN_FROM))
        if not tries[-1].why:
            return Tried(tries[-1].run, tries[-1].verdict, tuple(tries))
    return Tried(None, None, tuple(tries))


@no_garbage_collection()
def one_try(setting: Setting, plain: bool = False) -> Try:
    """One seed's physics and the verdict on it. ``plain``: normal traffic need not be that of an incident averted."""
    incident = setting.scene.incident_type
    assert incident is not None
    if incident is not IncidentType.NORMAL_TRAFFIC:
        return kind_try(setting, KINDS[incident])
    if setting.scene.averted_incident is None and (plain or setting.duration_s < SHORT_S):
        return kind_try(setting, PLAIN)
    return _calm_try(setting)


def kind_try(setting: Setting, kind: Kind) -> Try:
    """Ends with the first moment that is what it should be in the physics, too."""
    tried, _ = next(_accepted(setting, kind))
    return tried


def _accepted(setting: Setting, kind: Kind) -> Iterator[_Played]:
    """Moments that came true, with the same traffic in which nobody errs: those without doubt as they come, then the
    others; the last one that did not come true where there are none. One without doubt is looked for a while only."""
    failure: _Played | None = None
    doubtful: list[_Played] = []
    for tried, calm in _played(setting, kind):
        if tried.why or tried.run is None or tried.verdict is None:
            failure = tried, calm
        elif not _doubt(setting, kind, tried.run, tried.verdict):
            yield tried, calm
        else:
            doubtful.append((tried, calm))
            if len(doubtful) == PASSED_OVER:
                break
    yield from doubtful
    if failure is not None:
        yield failure


def _doubt(setting: Setting, kind: Kind, run: Run, verdict: Verdict) -> str:
    """Why a viewer might not name what happened; empty when nothing speaks against it."""
    unclear = verdict.doubt or hard_to_make_out(setting, run, verdict) or closely_passed(setting, run, verdict)
    return unclear or (
        outweighed(setting.scene, run, verdict) if kind.touches else more_striking(setting, run, verdict)
    )


def _played(setting: Setting, kind: Kind) -> Iterator[_Played]:
    """The physics of one staged moment after another, each with the same traffic in which nobody errs; at last, where
    no moment was staged, a try without physics."""
    why, runs = NO_MOMENT, 0
    budget, happened = Budget(BUDGET_STEPS), False
    for staged in staged_moments(setting, kind, budget):
        if isinstance(staged, str):
            why = staged
            continue
        run = simulate(staged.staging, setting.geometry, until_touch=not kind.touches)
        runs += 1
        # As much for a run that ended early: which moments are tried must not follow from what a run costs.
        budget.spend(PHYSICS_STEPS * run.trace.speeds.size)
        verdict = _verdict(setting, kind, run)
        refused = verdict.why if not verdict.happened else unseen(setting, run, verdict)
        refused = refused or _other_words(setting.scene, run) or _no_clip(setting, run)
        happened = happened or not refused
        budget.reserve = 0.0 if happened else RESERVE_STEPS
        yield Try(setting.seed, refused, run, verdict, runs), staged.calm
        if runs == PHYSICS_RUNS:
            return
    if runs == 0:
        yield Try(setting.seed, why), None


def _verdict(setting: Setting, kind: Kind, run: Run) -> Verdict:
    if run.episodes and not kind.touches:
        return failed(touched(run))
    return kind.judge(setting, run)


def _no_clip(setting: Setting, run: Run) -> str:
    """Why a run would make no clip, whatever happens in it; empty when it would."""
    return "two bodies pass through each other" if passes_through(run.trace) else nothing_moves(setting, run)


def _other_words(scene: Scene, run: Run) -> str:
    """Why a run does not show the severity and the aftermath that a row asks for; empty when it does."""
    severity, kmh = severity_of(run)
    if scene.severity is not None and severity is not scene.severity:
        return f"the crash was {severity or 'none'} at {kmh or 0.0:.0f} km/h"
    return (lacks(run, scene.aftermath) or "") if scene.aftermath is not None else ""


def _calm_try(setting: Setting) -> Try:
    """Traffic out of which an incident would have come, had somebody erred: it counts where that incident would have
    counted, so that clips with and without one are drawn alike."""
    incident = averted(setting)
    scene = replace(setting.scene, incident_type=incident, aftermath=None)
    last, doubtful = Try(setting.seed, NO_MOMENT), None
    for tried, calm in _accepted(replace(setting, scene=scene), KINDS[incident]):
        if tried.why or calm is None:
            last = replace(tried, run=None, verdict=None) if last.run is None else last
            break
        run = simulate(calm(), setting.geometry, until_touch=not PLAIN.touches)
        verdict = _verdict(setting, PLAIN, run)
        why = verdict.why or _no_clip(setting, run)
        if not why and setting.scene.aftermath is not None:
            why = lacks(run, setting.scene.aftermath) or ""
        last = Try(setting.seed, why, run, verdict, tried.runs)
        if not why and not closely_passed(setting, run, verdict):
            return last
        doubtful = doubtful or (None if why else last)
    return doubtful or last
