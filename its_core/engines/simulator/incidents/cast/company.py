"""People who walk with somebody whom a row names, where it names several."""

from __future__ import annotations

import copy

from its_core.engines.simulator.incidents.cast.casting import Wanted
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.roads.paths import Path
from its_core.engines.simulator.simulation.rails import Traffic
from its_core.engines.simulator.traffic.walkers import Route, Walker
from its_core.taxonomy import ParticipantType

APART_M = 0.85
FIRST_NUMBER = 900  # below those of the flow's road users


def with_company(traffic: Traffic, wanted: Wanted, opportunity: Opportunity) -> tuple[int, ...]:
    """Adds those who walk beside the first of several victims on foot; their numbers."""
    named = wanted.victims[len(opportunity.victims) :]
    first = next((walker for walker in traffic.walkers if walker.number in opportunity.victims), None)
    if first is None:
        return ()
    numbers = []
    for i, participant in enumerate(each for each in named if each.type is ParticipantType.PEDESTRIAN):
        other = copy.copy(first)
        other.number = FIRST_NUMBER + i
        other.route = _beside(first, APART_M * (i + 1))
        other.path = Path(other.route.points)
        other.x, other.y = other.path.point(other.s_m)
        other.stride_rad = first.stride_rad + 2.0 * (i + 1)
        traffic.walkers.append(other)
        if participant.colour is not None:
            wanted.colours[other.number] = participant.colour
        numbers.append(other.number)
    return tuple(numbers)


def _beside(walker: Walker, aside_m: float) -> Route:
    """A walker's route moved to the left, as seen on the way over the road."""
    crossing = walker.crossing()
    ahead = walker.path.direction(walker.s_m if crossing is None else (crossing.start_m + crossing.end_m) / 2)
    dx, dy = -aside_m * float(ahead[1]), aside_m * float(ahead[0])
    return Route(tuple((x + dx, y + dy) for x, y in walker.route.points), walker.route.crossings)
