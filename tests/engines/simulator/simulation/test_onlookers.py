"""Drivers who come upon a crash."""

from __future__ import annotations

import math

from its_core.engines.simulator.physics.constants import TYRE_GRIP
from its_core.engines.simulator.roads.network import network
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.simulation.onlookers import Onlooker, come_upon
from its_core.engines.simulator.traffic.drivers import Driver
from its_core.engines.simulator.traffic.habits import NORMAL, Manner
from its_core.taxonomy import ParticipantType, RoadLayout, RoadSurface

ROAD = network(place(RoadLayout.RURAL_ROAD, "cam_01"))


def seen(ahead_m: float, beside_m: float = 0.0, short_m: float | None = 12.0, hazards: bool = True) -> Driver:
    driver = Driver(0, ParticipantType.SEDAN, 0, Manner(14.0), NORMAL, ROAD, TYRE_GRIP[RoadSurface.DRY])
    driver.speed = 14.0
    come_upon(driver, Onlooker(4.0, short_m, hazards), ahead_m, beside_m, 3.0)
    return driver


def test_drivers_brake_the_harder_the_nearer_the_crash_is_and_those_who_stop_switch_the_hazards_on():
    far, near, nearest = seen(69.0), seen(30.0), seen(15.0)
    assert far.caution_mps > near.caution_mps > nearest.caution_mps > seen(12.0).caution_mps == 0.0
    assert far.intent.hazards_s == math.inf  # need not brake yet
    assert 3.0 < near.intent.hazards_s < 4.0
    assert seen(30.0, hazards=False).intent.hazards_s == math.inf


def test_others_pass_slowly_and_go_on_behind_it():
    assert seen(5.0, short_m=None).caution_mps == 4.0
    assert seen(15.0, beside_m=9.0).caution_mps < 6.0
    assert seen(15.0, beside_m=9.0).intent.hazards_s == math.inf
    assert seen(-7.0).caution_mps == math.inf
    assert seen(90.0).caution_mps == math.inf
