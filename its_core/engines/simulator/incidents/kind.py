"""What an incident consists of: where it may come from, what makes it happen, and whether it did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from its_core.clip import Participant
from its_core.engines.simulator.incidents.opportunity import Opportunity, Plan
from its_core.engines.simulator.incidents.rehearsal import Rehearsal
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.incidents.verdicts import Verdict
from its_core.engines.simulator.simulation.run import Run
from its_core.taxonomy import ParticipantType


@dataclass(frozen=True, slots=True)
class Traffic:
    """What the traffic must be like for a kind: ``boosts`` multiplies the shares of types of vehicles; ``crawls``: a
    jam begins beyond the place."""

    boosts: Mapping[ParticipantType, float] = field(default_factory=dict)
    crawls: bool = False


Floats = NDArray[np.float64]


def _no_things(setting: Setting) -> Floats | None:  # noqa: ARG001
    return None


def _nobody(setting: Setting) -> Participant | None:  # noqa: ARG001
    return None


@dataclass(frozen=True)
class Kind:
    """An incident. ``search`` finds moments in ordinary traffic; ``plan`` says who errs how, differently at each of a
    few attempts (from 0), ``contact_s`` being the time of the clip at which it comes to its point; ``accepts`` judges a
    rehearsal; ``judge`` the finished physics.

    ``errs`` False: nothing goes wrong in it. ``touches`` False: nobody may touch anything; that is checked before
    ``judge`` is asked, and rehearsals go on to the end of the clip. ``latest``: the share of the clip by which it must
    come to its point. ``things``: what stands beside the road, for rehearsals in which somebody leaves it. ``culprit``:
    who does it, if the row does not say.
    """

    search: Callable[[Timeline, Setting], list[Opportunity]]
    plan: Callable[[Setting, Timeline, Opportunity, float, int], Plan]
    accepts: Callable[[Setting, Opportunity, Plan, Rehearsal], bool]
    judge: Callable[[Setting, Run], Verdict]
    errs: bool = True
    touches: bool = True
    attempts: int = 4
    latest: float = 0.85
    things: Callable[[Setting], Floats | None] = _no_things
    traffic: Traffic = field(default_factory=Traffic)
    culprit: Callable[[Setting], Participant | None] = _nobody
