"""What drivers and people do when they touch somebody."""

from __future__ import annotations

from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.traffic.habits import Brake, Shift
from its_core.taxonomy import RoadLayout
from tests.engines.simulator.staged import car, drive, person

HIGHWAY = place(RoadLayout.HIGHWAY, "cam_01")
STREET = place(RoadLayout.URBAN_STREET, "cam_01")


def test_two_who_scrape_along_each_other_swerve_apart_and_brake():
    lane = next(lane for lane in HIGHWAY.lanes if lane.left is not None)
    both = {"overlooks": frozenset({0, 1}), "reaction_s": 9.0}
    culprit = car(HIGHWAY, lane.name, 200.0, 22.0, 22.0, shifts=(Shift(0.3, 3.5, 1.6),), **both)
    victim = car(HIGHWAY, str(lane.left), 201.0, 22.0, 22.0, **both)
    run = drive(HIGHWAY, [culprit, victim])
    first = run.trace.contacts[0]
    assert set(first.numbers) == {0, 1}

    def apart_m(frame: int) -> float:
        offset = run.trace.positions[frame, 1, :2] - run.trace.positions[frame, 0, :2]
        _, _, tx, ty = run.roads.place(run.staging.vehicles[0].driver.way, float(run.arcs[frame, 0]))
        return abs(float(offset[0] * ty - offset[1] * tx))

    assert apart_m(first.frame + 14) > apart_m(first.frame) + 0.5
    assert run.trace.braking[first.frame + 10, :2].all()


def test_who_walks_up_to_a_car_that_stands_does_not_fall():
    stands = car(STREET, "east_0_straight", 0.0, 0.0, brakes=(Brake(0.0, 99.0, 6.0),))
    stands.driver.s_m = 264.0
    x, y, _, _ = stands.driver.roads.place(stands.driver.way, stands.driver.s_m)
    run = drive(STREET, [stands], [person(((x, y - 4.0), (x, y + 4.0)), 1.6)])
    assert run.trace.limbs == {}
    assert run.episodes == ()
