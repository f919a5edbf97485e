"""What an incident consists of: where it may come from, what makes it happen, and whether it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from its_core.clip import Participant
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.setting import MOMENT, Setting, drawn_moment
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.simulation.run import Run
from its_core.taxonomy import ParticipantType


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the traffic must be like for a kind: ``boosts`` multiplies the shares of types of vehicles; ``crawls``: a
    jam begins beyond the place. ``rare``: its moments are looked for as long as those of an incident in which somebody
    errs. ``busy``: quiet streets are busier, or hardly anybody would meet. ``usual``: moments are looked for in as
    much traffic as any clip has, however rare they are, where a crowd would name the incident."""

    boosts: Mapping[ParticipantType, float] = field(default_factory=dict)
    crawls: bool = False
    rare: bool = False
    busy: bool = False
    usual: bool = False


Floats = NDArray[np.float64]


def _no_things(setting: Setting) -> Floats | None:  # noqa: ARG001
    return None


def _nobody(setting: Setting) -> Participant | None:  # noqa: ARG001
    return None


@dataclass(frozen=True)
class Kind:
    """How one incident is made and judged. A new one is a file in ``kinds`` with a ``KIND``, and a line in
    ``catalogue``; what a row may ask of it is its ``Ability``.

    Attributes:
        search: moments of ordinary traffic in which one error would lead to the incident. Example: of a rear-end
            collision every pair of vehicles of which the one behind would be on the other within 5.5 s, had its driver
            looked away. An opportunity names a culprit, and victims where there are any (``()``: a car that leaves the
            road alone); whoever it names must be in the timeline.
        plan: who errs how, from (setting, timeline, opportunity, ``contact_s``, attempt). ``contact_s`` is the time of
            the clip in seconds at which the incident comes to its point. Attempts are numbered from 0; each is to
            differ. Example: blind from 2 s before ``contact_s`` on, and 0.3 s longer at each attempt.
        accepts: whether a rehearsal on rails came out as planned. Example: the two touched first of all, within half a
            second of ``contact_s``.
        judge: whether the finished physics show the incident. Example: the first contact is between culprit and victim,
            front into rear.
        errs: somebody does something wrong. False for hard braking or congestion, in which nobody is at fault.
        touches: something is struck. False: any contact fails the clip before ``judge`` is asked. Example: a near miss
            has ``errs`` True and ``touches`` False.
        attempts: how many plans are rehearsed for one moment. Example: 6 where each attempt brakes 0.16 s earlier.
        earliest, latest: the shares of the clip between which it must come to its point, 0.15 to 0.85. Example: 0.42
            of an illegal turn, which takes a few seconds.
        needs_s: the seconds of the clip that must follow its point. Example: 2.2 of a pile-up, whose third vehicle
            needs time to arrive.
        least_share: of the picture's width, that a car must take at the place of the incident, and the box around those
            concerned too, for viewers to see what happens; 0 leaves it to ``picture_size``. Example: 0.05 of a close
            pass, whose gap is a few pixels wide.
        plain_share: of the picture's width, that a car shall take there where the camera sees such moments: larger ones
            come first, and smaller ones will not do in the first rounds of traffic. Of kinds that viewers do not name
            when they are as small as real ones mostly are. Example: 0.085 of a near miss of somebody on foot, who is
            about 40 pixels tall then in a picture of 1280; 0: the size is drawn, as real ones are.
        later: what is looked for instead of ``search`` when several rounds of traffic held no such moment. Example:
            a close pass of a car where nobody cycles.
        things: T×3, what stands beside the road: x, y and radius in metres, for rehearsals in which somebody leaves the
            road. Example: trees and poles of a single-vehicle crash.
        traffic: what is unusual about the traffic. Example: six times as many bicycles for a cyclist's collision.
        culprit: who does it where the row does not say. Example: a white van with a beacon in an emergency run; None:
            whoever the traffic offers.
    """

    search: Callable[[Timeline, Setting], list[Opportunity]]
    plan: Callable[[Setting, Timeline, Opportunity, float, int], Plan]
    accepts: Callable[[Setting, Opportunity, Plan, Rehearsal], bool]
    judge: Callable[[Setting, Run], Verdict]
    errs: bool = True
    touches: bool = True
    attempts: int = 4
    earliest: float = MOMENT[0]
    latest: float = MOMENT[1]
    needs_s: float = 0.0
    least_share: float = 0.0
    plain_share: float = 0.0
    later: Callable[[Timeline, Setting], list[Opportunity]] | None = None
    things: Callable[[Setting], Floats | None] = _no_things
    traffic: Traffic = field(default_factory=Traffic)
    culprit: Callable[[Setting], Participant | None] = _nobody

    def contact_s(self, setting: Setting) -> float:
        """When a clip's incident is to come to its point, in seconds from frame 0: the moment that is drawn. Where the
        kind's own range does not hold that one, another is drawn there: alike if the kind needs time after its point,
        evenly otherwise."""
        latest = max(min(self.latest, 1.0 - self.needs_s / setting.duration_s), self.earliest)
        share = setting.moment
        if not self.earliest <= share <= latest:
            rng, between = setting.rng("moment"), (self.earliest, latest)
            share = drawn_moment(rng, setting.duration_s, between) if self.needs_s else float(rng.uniform(*between))
        return share * setting.duration_s
