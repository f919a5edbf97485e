"""In which order the moments of ordinary traffic are tried: those first that are most like what is asked for."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator.incidents.cast.casting import Wanted, fitting
from its_core.engines.simulator.incidents.kind import Kind
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.outcome.verdicts import severity_word
from its_core.engines.simulator.incidents.picture_size import aimed_width, steps_below, steps_off
from its_core.engines.simulator.incidents.setting import EDGE, NEAR_AN_EDGE, Setting, edge_distance
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.population import mass_kg
from its_core.taxonomy import CameraWord, Severity

ANGLES_DEG, STEP_OF_ANGLE_DEG = (35.0, 145.0), 20.0  # at which two shall meet where ways cross
CALM_START_S = 1.1  # of a clip: an error that begins in it gives the clip away at once
USUAL_PULL_MPS2 = 2.2  # who pulls away harder in it than others do gives it away even more


def in_turn(
    setting: Setting,
    kind: Kind,
    found: list[Opportunity],
    rng: np.random.Generator,
    wanted: Wanted,
    timeline: Timeline,
) -> list[Opportunity]:
    """At random, one variant after another; those first whose vehicles are of the types that the row names, that are
    likely to be as severe, near an edge if that is aimed at, whose error begins once the clip has run for a while or
    shows little until then, that are large if the kind must be plain, or else about as large as is aimed at, and that
    meet at about the angle that is aimed at; one moment of each pair."""
    severity, aimed, at_edge = setting.scene.severity, aimed_width(setting), _aimed_at_edge(setting)
    contact_s = kind.contact_s(setting)
    aimed_deg = float(setting.rng("angle").uniform(*ANGLES_DEG))
    order = rng.permutation(len(found)).tolist()
    shuffled = [found[i] for i in order]
    variants = sorted({each.variant for each in found})
    turn = dict(zip(variants, rng.permutation(len(variants)).tolist(), strict=True))

    def rank(each: Opportunity) -> tuple[int, ...]:
        mild = severity is not None and _likely_severity(each, timeline) is not severity
        off = round(abs(abs(each.details.get("angle_deg", aimed_deg)) - aimed_deg) / STEP_OF_ANGLE_DEG)
        inside = at_edge and edge_distance(setting.camera, *each.where) > EDGE
        begins_early = each.onset_s > contact_s - CALM_START_S
        hasty = begins_early and each.details.get("from_rest", 0.0) > USUAL_PULL_MPS2
        small = steps_below(setting, each, kind.plain_share)
        unlike = off + (0 if kind.plain_share else steps_off(setting, timeline, each, aimed))
        fits = fitting(each, wanted, timeline)
        return fits, int(mild), int(inside), begins_early + hasty, small, turn[each.variant], unlike

    shuffled.sort(key=rank)
    seen: set[tuple[int, tuple[int, ...]]] = set()
    kept = []
    for each in shuffled:
        if (each.culprit, each.victims) not in seen:
            seen.add((each.culprit, each.victims))
            kept.append(each)
    return kept


def _aimed_at_edge(setting: Setting) -> bool:
    """Whether the incident shall come to its point near an edge of the picture; the row's words may say."""
    drawn = float(setting.rng("edge").random()) < NEAR_AN_EDGE
    return CameraWord.EDGE in setting.scene.camera or (drawn and CameraWord.CENTRED not in setting.scene.camera)


def _likely_severity(opportunity: Opportunity, timeline: Timeline) -> Severity:
    """By the change of velocity of the lighter of two, at a tenth of restitution; of people by the speed."""
    masses = [timeline.tracks[n].type for n in (opportunity.culprit, *opportunity.victims[:1]) if n in timeline.tracks]
    share = 0.9
    if len(masses) == 2:
        a, b = mass_kg(masses[0]), mass_kg(masses[1])
        share = 1.1 * max(a, b) / (a + b)
    return severity_word(3.6 * opportunity.speed_mps * share)
