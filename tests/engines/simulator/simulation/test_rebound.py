from __future__ import annotations

from dataclasses import replace

import pytest

from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.roads.paths import Path
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.traffic.habits import Brake
from its_core.taxonomy import RoadLayout
from tests.engines.simulator.staged import car, drive

HIGHWAY = place(RoadLayout.HIGHWAY, "cam_01")


@pytest.mark.parametrize("closing_mps", [6.0, 12.0])
def test_cars_part_with_a_tenth_to_a_quarter_of_their_closing_speed(closing_mps: float) -> None:
    leader = car(HIGHWAY, "north_0_straight", 400.0, 0.0, 20.0, brakes=(Brake(0.0, 9.0, 1.0),))
    follower = car(HIGHWAY, "north_0_straight", 390.0, closing_mps, closing_mps, blind_s=(0.0, 9.0))
    run = drive(HIGHWAY, [leader, follower])
    frame = run.trace.contacts[0].frame + 1
    parting = float(run.trace.velocities[frame, 0, 1] - run.trace.velocities[frame, 1, 1])
    assert 0.07 * closing_mps < parting < 0.33 * closing_mps


def test_a_post_gives_as_far_as_the_crush_is_deep() -> None:
    lane = next(each for each in HIGHWAY.lanes if each.name == "north_0_straight")
    (x, y) = Path(lane.points).point(412.0)
    straight = car(HIGHWAY, "north_0_straight", 400.0, 12.0, 12.0, blind_s=(0.0, 9.0))
    run = drive(replace(HIGHWAY, street_lamps=((x, y),)), [straight])
    (contact,) = run.trace.contacts
    assert contact.thing == "pole"
    front = run.trace.positions[:, 0, 1] + VEHICLES[run.trace.actors[0].type].length_m / 2
    depth = run.trace.dents[0].depth_m
    assert 0.3 < depth < 0.72
    assert 0.5 * depth < front.max() - contact.point_m[1] < 1.4 * depth
