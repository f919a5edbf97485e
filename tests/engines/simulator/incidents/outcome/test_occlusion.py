from __future__ import annotations

import numpy as np
import pytest

from its_core.engines.simulator.incidents.outcome.occlusion import box_hides, vehicle_boxes
from its_core.taxonomy import ParticipantType

NORTH = (0.0, 1.0)
EYE = np.array([0.0, -40.0, 9.0])  # behind a vehicle that heads north, from the mast of a camera
RIDER = np.array([(0.0, 3.2, z) for z in (0.3, 0.9, 1.5)])  # right before a sedan's front


def hidden(type_: ParticipantType, points: np.ndarray) -> list[bool]:
    found = np.zeros(len(points), np.bool_)
    for box in vehicle_boxes(0, type_, np.zeros(3), NORTH):
        found |= box_hides(box, EYE, points)
    return [bool(each) for each in found]


def test_one_sees_over_a_bonnet_but_not_over_the_load_of_a_truck():
    assert hidden(ParticipantType.SEDAN, RIDER) == [True, True, False]
    assert hidden(ParticipantType.TRUCK, RIDER + np.array([0.0, 1.7, 0.0])) == [True, True, True]


def test_what_is_nearer_than_a_vehicle_is_not_hidden():
    assert hidden(ParticipantType.TRUCK, RIDER - np.array([0.0, 12.0, 0.0])) == [False, False, False]


@pytest.mark.parametrize("type_", [ParticipantType.SEDAN, ParticipantType.PICKUP, ParticipantType.BUS])
def test_boxes_are_as_high_as_the_vehicle_and_no_longer(type_):
    boxes = vehicle_boxes(3, type_, np.array([5.0, 6.0, 0.0]), NORTH)
    assert {box.number for box in boxes} == {3}
    top = max(boxes, key=lambda box: box.height_m)
    longest = max(box.length_m for box in boxes)
    assert top.at[1] + top.length_m / 2 <= 6.0 + longest / 2
    assert top.at[1] - top.length_m / 2 >= 6.0 - longest / 2
