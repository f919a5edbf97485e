"""Traffic flows in along all roads, alike for every clip."""

from __future__ import annotations

import numpy as np
import pytest

from its_core.engines.simulator.randomness import rng_of
from its_core.engines.simulator.roads.registry import PLACES, place
from its_core.engines.simulator.roads.signals import Programme
from its_core.engines.simulator.simulation.flow import Demand, Flow
from its_core.engines.simulator.simulation.overlaps import overlapping
from its_core.engines.simulator.simulation.rails import packed
from its_core.taxonomy import ParticipantType, RoadLayout, RoadSurface, TrafficDensity


def flow(
    layout: RoadLayout, density: TrafficDensity = TrafficDensity.MEDIUM, seed: int = 1, camera: str = "flow", **demand
) -> Flow:
    here = place(layout, camera)
    programme = Programme(3.0) if here.signals else None
    return Flow(here, density, RoadSurface.DRY, rng_of("flow", seed), programme, None, Demand(**demand))


@pytest.mark.parametrize("layout", list(PLACES))
def test_hardly_anybody_drives_through_anybody(layout):
    """On rails nothing stops two who meet; a try in which they do is thrown away."""
    made, pairs = flow(layout, TrafficDensity.HIGH), set()
    for until in range(4, 41, 2):
        made.run(float(until))
        bodies = packed(made.roads, made.traffic)
        pairs |= {frozenset(bodies.unit[list(pair)].tolist()) for pair in overlapping(bodies, -0.15)}
    assert len(pairs) <= 1


@pytest.mark.parametrize("layout", list(PLACES))
def test_even_low_traffic_passes_the_place_all_the_time(layout):
    made = flow(layout, TrafficDensity.LOW)
    made.run(20.0)
    near = []
    for until in np.arange(20.5, 50.0, 0.5):
        made.run(float(until))
        x, y = made.layout.focus_m
        bodies = packed(made.roads, made.traffic)
        moving = (bodies.vx**2 + bodies.vy**2 > 4.0) & ~bodies.walks
        near.append(bool((moving & ((bodies.x - x) ** 2 + (bodies.y - y) ** 2 < 80.0**2)).any()))
    assert np.mean(near) > 0.6


def test_denser_traffic_has_more_vehicles():
    counts = []
    for density in TrafficDensity:
        made = flow(RoadLayout.HIGHWAY, density)
        made.run(20.0)
        counts.append(len(made.traffic.drivers))
    assert counts[0] < counts[1] < counts[2]


def test_types_are_mixed_and_can_be_boosted():
    seen = []
    for boosts in ({}, {ParticipantType.BICYCLE: 8.0}):
        types = []
        for seed in range(3):
            made = flow(RoadLayout.URBAN_STREET, seed=seed, boosts=boosts)
            for until in range(5, 60, 5):
                made.run(float(until))
                types += [driver.type for driver in made.traffic.drivers]
        seen.append(types)
    assert len(set(seen[0])) >= 4
    share = [np.mean([type_ is ParticipantType.BICYCLE for type_ in types]) for types in seen]
    assert share[1] > 2.0 * share[0]


def test_the_same_seed_gives_the_same_traffic():
    made = [flow(RoadLayout.FOUR_WAY_INTERSECTION, seed=4) for _ in range(2)]
    for each in made:
        each.run(15.0)
    states = [[(d.number, d.way, d.s_m, d.speed, d.aside_m) for d in each.traffic.drivers] for each in made]
    assert states[0] == states[1]


def test_who_comes_from_a_ramp_is_let_in_at_speed():
    made = flow(RoadLayout.HIGHWAY_RAMP, TrafficDensity.MEDIUM, camera="on-ramp")
    (way,) = (i for i, lane in enumerate(made.roads.lanes) if lane.merge is not None and lane.merge.joins)
    merge = made.roads.lanes[way].merge
    assert merge is not None
    joined: dict[int, float] = {}
    for until in range(20, 100, 2):
        made.run(float(until))
        joined |= {
            driver.number: driver.speed
            for driver in made.traffic.drivers
            if driver.way == way and merge.to_m < driver.s_m < merge.to_m + 60.0
        }
    assert len(joined) > 3
    assert min(joined.values()) > 8.0
