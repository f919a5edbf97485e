"""People and drivers of a snapshot go on where they were, whatever clock the clip has."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.simulation.rails import Rails, Traffic
from its_core.engines.simulator.traffic.walkers import Walker
from its_core.taxonomy import ParticipantType, RoadLayout
from tests.engines.simulator.staged import car, person

STREET = place(RoadLayout.URBAN_STREET, "cam_01")
HALF_M = STREET.carriageways[0][3]


def startled(time_s: float) -> tuple[Rails, Walker]:
    """Somebody on a crosswalk who has just jumped back from a car, at a time of the clock."""
    walker = person(((0.0, -HALF_M - 2.0), (0.0, HALF_M + 2.0)), 1.4, HALF_M - 0.3, (2.0, 2.0 + 2.0 * HALF_M, 0)).walker
    driver = car(
        STREET, "east_0_straight", 246.6, 9.0, 9.0, ParticipantType.SUV, ignores_others=True, reaction_s=9.0
    ).driver
    rails = Rails(STREET, None, Traffic(time_s, [driver], {}, [walker]))
    while walker.startle < 0.5:
        rails.step(1.0 / 24.0)
    return rails, walker


def test_who_was_startled_before_the_clip_calms_down_in_it():
    rails, walker = startled(100.0)
    rails.traffic.set_clock(0.0)
    seen = []
    for _ in range(96):
        rails.step(1.0 / 24.0)
        seen.append(walker.startle)
    assert min(seen) >= 0.0 and max(seen) == 1.0
    assert seen[-1] == 0.0


def test_a_change_of_the_clock_changes_nothing_that_people_do():
    ways = []
    for changes in (True, False):
        rails, walker = startled(100.0)
        if changes:
            rails.traffic.set_clock(-1.5)
        places = []
        for _ in range(72):
            rails.step(1.0 / 24.0)
            places.append((walker.x, walker.y, walker.startle))
        ways.append(places)
    assert np.abs(np.array(ways[0]) - np.array(ways[1])).max() < 1e-9
