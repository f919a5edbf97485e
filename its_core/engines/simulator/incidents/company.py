"""People who walk with somebody whom a row names, where it names several."""

from __future__ import annotations

import copy

from its_core.engines.simulator.incidents.casting import Wanted
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.simulation.rails import Traffic
from its_core.taxonomy import ParticipantType

APART_M = 1.0
FIRST_NUMBER = 900  # below those of the flow's road users


def with_company(traffic: Traffic, wanted: Wanted, opportunity: Opportunity) -> tuple[int, ...]:
    """Adds those who follow the first of several victims on foot; their numbers."""
    named = wanted.victims[len(opportunity.victims) :]
    first = next((walker for walker in traffic.walkers if walker.number in opportunity.victims), None)
    if first is None:
        return ()
    numbers = []
    for i, participant in enumerate(each for each in named if each.type is ParticipantType.PEDESTRIAN):
        other = copy.copy(first)
        other.number = FIRST_NUMBER + i
        away = APART_M * (i + 1)
        other.s_m = first.s_m - away if first.s_m > away + 0.2 else first.s_m + away
        other.x, other.y = first.path.point(other.s_m)
        other.stride_rad = first.stride_rad + 2.0 * (i + 1)
        traffic.walkers.append(other)
        if participant.colour is not None:
            wanted.colours[other.number] = participant.colour
        numbers.append(other.number)
    return tuple(numbers)
