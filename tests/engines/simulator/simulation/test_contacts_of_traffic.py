"""What drivers and people do when they touch somebody."""

from __future__ import annotations

import numpy as np

from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.traffic.habits import Brake
from its_core.taxonomy import RoadLayout
from tests.engines.simulator.staged import car, drive, person, scraping

HIGHWAY = place(RoadLayout.HIGHWAY, "cam_01")
STREET = place(RoadLayout.URBAN_STREET, "cam_01")


def test_two_who_scrape_along_each_other_swerve_apart_and_brake():
    run = drive(HIGHWAY, scraping(HIGHWAY))
    first = run.trace.contacts[0]
    assert set(first.numbers) == {0, 1}

    def apart_m(frame: int) -> float:
        offset = run.trace.positions[frame, 1, :2] - run.trace.positions[frame, 0, :2]
        _, _, tx, ty = run.roads.place(run.staging.vehicles[0].driver.way, float(run.arcs[frame, 0]))
        return abs(float(offset[0] * ty - offset[1] * tx))

    assert apart_m(first.frame + 14) > apart_m(first.frame) + 0.5
    assert run.trace.braking[first.frame + 10, :2].all()


def test_physics_may_end_with_the_first_touch_and_are_the_same_up_to_it():
    whole, short = (drive(HIGHWAY, scraping(HIGHWAY), until_touch=until_touch) for until_touch in (False, True))
    first, frame = short.episodes[0], short.trace.contacts[0].frame
    assert first.start_tick == first.last_tick == whole.episodes[0].start_tick
    assert first.numbers == whole.episodes[0].numbers
    assert np.array_equal(short.trace.positions[:frame], whole.trace.positions[:frame])
    assert whole.trace.positions[frame:].any(axis=(1, 2)).all() and not short.trace.positions[frame:].any()
    assert short.trace.speeds.shape == whole.trace.speeds.shape


def test_who_walks_up_to_a_car_that_stands_does_not_fall():
    stands = car(STREET, "east_0_straight", 0.0, 0.0, brakes=(Brake(0.0, 99.0, 6.0),))
    stands.driver.s_m = 264.0
    x, y, _, _ = stands.driver.roads.place(stands.driver.way, stands.driver.s_m)
    run = drive(STREET, [stands], [person(((x, y - 4.0), (x, y + 4.0)), 1.6)])
    assert run.trace.limbs == {}
    assert run.episodes == ()
