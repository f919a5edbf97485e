from __future__ import annotations

import pytest

from its_core.clip import Participant, Scene
from its_core.engines.simulator.capabilities import ABILITIES, layout_of, unsupported
from its_core.engines.simulator.incidents.catalogue import KINDS
from its_core.engines.simulator.roads.registry import PLACES
from its_core.taxonomy import (
    Aftermath,
    CollisionType,
    IncidentType,
    ParticipantType,
    RoadLayout,
    RoadSurface,
    Role,
    Weather,
)

CROSSING = IncidentType.INTERSECTION_COLLISION
NEAR_MISS = IncidentType.PEDESTRIAN_NEAR_MISS


def scene(incident: IncidentType | None = CROSSING, **words) -> Scene:
    return Scene("cam_01", incident, **words)


def parts(*named: tuple[ParticipantType, Role]) -> tuple[Participant, ...]:
    return tuple(Participant(type_, None, role) for type_, role in named)


@pytest.mark.parametrize("incident", list(ABILITIES))
def test_every_able_incident_is_accepted_in_all_its_places(incident):
    assert incident in KINDS
    for layout in (None, *ABILITIES[incident].layouts):
        assert unsupported(scene(incident, road_layout=layout)) is None
        assert layout_of(scene(incident, road_layout=layout)) is (layout or ABILITIES[incident].layouts[0])
        assert layout is None or layout in PLACES


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (scene(None), ["incident_type is empty", "rear_end_collision"]),
        (scene(IncidentType.HEAD_ON_COLLISION), ["'head_on_collision'", "normal_traffic"]),
        (scene(road_layout=RoadLayout.HIGHWAY), ["'highway'", "four_way_intersection"]),
        (scene(collision_type=CollisionType.SIDESWIPE), ["'sideswipe'", "t-bone"]),
        (scene(IncidentType.NORMAL_TRAFFIC, collision_type=CollisionType.T_BONE), ["'t-bone'", "leave it empty"]),
        (scene(aftermath=Aftermath.PUSHED_FORWARD), ["'pushed_forward'", "vehicles_stop"]),
        (scene(weather=Weather.RAIN, road_surface=RoadSurface.DRY), ["'dry'", "rain", "wet"]),
        (scene(weather=Weather.SNOW, road_surface=RoadSurface.DRY), ["'dry'", "snow", "snowy"]),
        (scene(participants=parts((ParticipantType.BUS, Role.BYSTANDER))), ["'bus'", "sedan"]),
        (scene(participants=parts(*[(ParticipantType.SUV, Role.AT_FAULT)] * 2)), ["one participant at_fault", "2"]),
        (scene(participants=parts(*[(ParticipantType.SUV, Role.NOT_AT_FAULT)] * 2)), ["at most 1 not_at_fault"]),
        (scene(participants=parts((ParticipantType.PEDESTRIAN, Role.AT_FAULT))), ["'pedestrian'", "pickup"]),
        (scene(participants=parts((ParticipantType.PEDESTRIAN, Role.NOT_AT_FAULT))), ["'pedestrian'", "sedan"]),
        (scene(NEAR_MISS, participants=parts((ParticipantType.SUV, Role.NOT_AT_FAULT))), ["'suv'", "pedestrian"]),
        (
            scene(IncidentType.NORMAL_TRAFFIC, participants=parts((ParticipantType.SUV, Role.AT_FAULT))),
            ["normal_traffic has no participant at_fault", "bystander"],
        ),
        (scene(participants=parts(*[(ParticipantType.SUV, Role.BYSTANDER)] * 13)), ["at most 12 bystanders", "13"]),
        (
            scene(
                IncidentType.REAR_END_COLLISION, participants=parts((ParticipantType.PEDESTRIAN, Role.BYSTANDER))
            ),
            ["highway", "road_layout"],
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_by_name_with_what_can(asked, names):
    no = unsupported(asked)
    assert no is not None
    for name in names:
        assert name in no.reason
    assert no.column in {"incident_type", "participants"} or no.value == getattr(asked, no.column)
