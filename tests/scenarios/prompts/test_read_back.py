from itertools import product

import pytest

from its_core.clip import Participant, Scene
from its_core.scenarios.prompts.compose import compose, scene_from_prompt
from its_core.taxonomy import Colour, IncidentType, Light, ParticipantType, RoadLayout, Role, Weather

A, B, C = Role.AT_FAULT, Role.NOT_AT_FAULT, Role.BYSTANDER
SEDAN, SUV, PICKUP, VAN = ParticipantType.SEDAN, ParticipantType.SUV, ParticipantType.PICKUP, ParticipantType.VAN
ON_FOOT = ParticipantType.PEDESTRIAN

SIMULATED = [
    (IncidentType.INTERSECTION_COLLISION, [(SEDAN, Colour.RED, A), (SUV, Colour.WHITE, B), (VAN, Colour.GREY, C)]),
    (IncidentType.REAR_END_COLLISION, [(SEDAN, Colour.BLACK, A), (PICKUP, Colour.SILVER, B)]),
    (IncidentType.REAR_END_COLLISION, [(SUV, Colour.BLUE, A), (SUV, Colour.BLUE, B), (SUV, None, C)]),
    (IncidentType.PEDESTRIAN_NEAR_MISS, [(VAN, Colour.WHITE, A), (ON_FOOT, None, B), (ON_FOOT, None, B)]),
    (IncidentType.PEDESTRIAN_NEAR_MISS, [(PICKUP, Colour.GREEN, A), (ON_FOOT, Colour.RED, B)]),
    (IncidentType.NORMAL_TRAFFIC, [(VAN, Colour.YELLOW, C), (SEDAN, Colour.ORANGE, C)]),
    (IncidentType.NORMAL_TRAFFIC, []),
    (IncidentType.HEAD_ON_COLLISION, [(ParticipantType.TRUCK, Colour.BROWN, A), (SEDAN, Colour.BEIGE, B)]),
    (IncidentType.SIDESWIPE_COLLISION, [(ParticipantType.BUS, None, A), (SEDAN, Colour.BEIGE, B)]),
    (IncidentType.SINGLE_VEHICLE_CRASH, [(ParticipantType.MOTORCYCLE, Colour.BLACK, A)]),
    (IncidentType.MULTI_VEHICLE_PILEUP, [(SEDAN, Colour.GREY, A), (SEDAN, Colour.GREY, B), (SUV, Colour.RED, B)]),
    (IncidentType.PEDESTRIAN_COLLISION, [(SEDAN, Colour.GREY, A), (ON_FOOT, Colour.GREEN, B)]),
    (IncidentType.CYCLIST_COLLISION, [(VAN, Colour.GREY, A), (ParticipantType.BICYCLE, Colour.BLUE, B)]),
    (IncidentType.MOTORCYCLIST_COLLISION, [(SEDAN, Colour.RED, A), (ParticipantType.MOTORCYCLE, None, B)]),
    (IncidentType.CONGESTED_TRAFFIC, [(ParticipantType.ARTICULATED_TRUCK, Colour.WHITE, C)]),
    (IncidentType.HARD_BRAKING, [(ParticipantType.HATCHBACK, Colour.WHITE, C)]),
    (IncidentType.CLOSE_PASS, [(SUV, None, C)]),
    (IncidentType.ILLEGAL_TURN, []),
    (IncidentType.STOPPED_VEHICLE, [(SUV, None, C)]),
    (IncidentType.JAYWALKING, [(VAN, Colour.RED, C)]),
    (IncidentType.EMERGENCY_VEHICLE, []),
    (IncidentType.ROAD_WORKS, [(SEDAN, None, C), (SEDAN, None, C)]),
    (IncidentType.VEHICLE_NEAR_MISS, [(ParticipantType.BICYCLE, Colour.RED, A), (VAN, None, B), (ON_FOOT, None, C)]),
]


@pytest.mark.parametrize(("incident", "cast"), SIMULATED)
def test_composed_prompts_read_back_as_what_they_were_composed_from(incident, cast):
    participants = tuple(Participant(*each) for each in cast)
    for layout, light, weather, seed in product([None, *RoadLayout], Light, Weather, range(3)):
        asked = Scene("cam-7", incident, participants=participants, light=light, weather=weather, road_layout=layout)
        read = scene_from_prompt(compose(asked, seed), "cam-7")
        assert (read.incident_type, read.participants) == (incident, participants), compose(asked, seed)
        assert (read.light, read.weather, read.camera_id) == (light, weather, "cam-7")
        assert layout is None or read.road_layout is layout


@pytest.mark.parametrize(
    ("prompt", "incident", "cast"),
    [
        (
            "CCTV of a junction. A blue van runs the red light and hits a gray SUV in the side.",
            IncidentType.INTERSECTION_COLLISION,
            [(VAN, Colour.BLUE, A), (SUV, Colour.GREY, B)],
        ),
        (
            "Freeway camera: a white pickup brakes suddenly and a green car too close behind hits it from behind.",
            IncidentType.REAR_END_COLLISION,
            [(PICKUP, Colour.WHITE, B), (SEDAN, Colour.GREEN, A)],
        ),
        (
            "People jump back from the crosswalk as an orange minivan turns without stopping.",
            IncidentType.PEDESTRIAN_NEAR_MISS,
            [(VAN, Colour.ORANGE, A), (ON_FOOT, None, B), (ON_FOOT, None, B)],
        ),
        (
            "A taxi runs a red light and knocks down a pedestrian.",
            IncidentType.PEDESTRIAN_COLLISION,
            [(ON_FOOT, None, B)],
        ),
        ("A bus stop by a street in the rain.", None, []),
        ("", None, []),
    ],
)
def test_hand_typed_prompts(prompt, incident, cast):
    read = scene_from_prompt(prompt, "cam-1")
    assert read.incident_type is incident
    assert read.participants == tuple(Participant(*each) for each in cast)


PICKUP_AND_SEDAN = [(PICKUP, Colour.SILVER), (SEDAN, Colour.BLACK)]


@pytest.mark.parametrize(
    "prompt",
    [
        "A silver pickup brakes hard and a black sedan hits its rear bumper.",
        "A silver pickup slams on its brakes and a black sedan hits its rear bumper.",
        "A silver pickup is hit from behind by a black sedan.",
        "A silver pickup gets rear-ended by a black sedan.",
        "A silver pickup, followed by a black sedan, brakes. The sedan rear-ends the pickup.",
        "A silver pickup and a black sedan queue. The pickup stops and the sedan crashes into the back of it.",
        "A silver pickup and a black car queue. The black car bumps into the rear of the pickup.",
        "A silver pickup brakes, and a black sedan that was too close rams it from behind.",
        "A silver pickup waits. Behind it a black sedan fails to stop and plows into its rear bumper.",
        "On a highway a silver pickup stops suddenly; a black sedan runs into it from behind and both collide.",
    ],
)
def test_in_a_rear_end_collision_the_one_that_strikes_is_at_fault(prompt):
    read = scene_from_prompt(f"A static CCTV camera shows a highway. {prompt}", "cam-1")
    assert read.incident_type is IncidentType.REAR_END_COLLISION
    assert [(each.type, each.colour) for each in read.participants] == PICKUP_AND_SEDAN
    assert [each.role for each in read.participants] == [B, A]


@pytest.mark.parametrize(
    ("prompt", "roles"),
    [
        ("A black sedan rear-ends a silver pickup.", [A, B]),
        ("A black sedan drives behind a silver pickup and hits its rear bumper.", [A, B]),
        ("A red sedan waits at an intersection and a white SUV hits it.", [B, A]),
        ("At an intersection a red sedan is struck by a white SUV.", [B, A]),
        ("At an intersection a red sedan runs a red light and is struck by a white SUV.", [A, B]),
        ("At an intersection a red sedan runs a red light. A white SUV proceeds legally and collides with it.", [A, B]),
        ("A van sideswipes a sedan.", [A, B]),
        ("A sedan is sideswiped by a van that changes lanes.", [B, A]),
    ],
)
def test_who_errs_or_strikes_is_at_fault_whatever_the_order(prompt, roles):
    read = scene_from_prompt(prompt, "cam-1")
    assert read.incident_type is not None and read.incident_type.is_anomaly
    assert [each.role for each in read.participants] == roles
