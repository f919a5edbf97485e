from __future__ import annotations

import pytest

from its_core.clip import Participant, Scene
from its_core.engines.simulator.capabilities import ABILITIES, layout_of, unsupported
from its_core.engines.simulator.incidents.catalogue import KINDS
from its_core.engines.simulator.roads.registry import PLACES
from its_core.taxonomy import (
    Aftermath,
    Cause,
    CollisionType,
    IncidentType,
    ParticipantType,
    RoadLayout,
    RoadSurface,
    Role,
    Severity,
    Weather,
)

CROSSING = IncidentType.INTERSECTION_COLLISION
NEAR_MISS = IncidentType.PEDESTRIAN_NEAR_MISS


def scene(incident: IncidentType | None = CROSSING, **words) -> Scene:
    return Scene("cam_01", incident, **words)


def parts(*named: tuple[ParticipantType, Role]) -> tuple[Participant, ...]:
    return tuple(Participant(type_, None, role) for type_, role in named)


def test_every_incident_has_both_a_kind_and_an_ability():
    """Normal traffic is made of the other kinds; road works wait for their layout."""
    known, makes = set(ABILITIES) - {IncidentType.NORMAL_TRAFFIC}, set(KINDS) - {IncidentType.ROAD_WORKS}
    no_kind, no_ability = sorted(known - set(KINDS)), sorted(makes - set(ABILITIES))
    assert not no_kind, f"in abilities.ABILITIES, but without a kind in incidents/catalogue.KINDS: {no_kind}"
    assert not no_ability, f"in incidents/catalogue.KINDS, but without an ability in abilities.ABILITIES: {no_ability}"


@pytest.mark.parametrize("incident", list(ABILITIES))
def test_every_able_incident_is_accepted_in_all_its_places(incident):
    assert incident in KINDS or incident is IncidentType.NORMAL_TRAFFIC
    for layout in (None, *ABILITIES[incident].layouts):
        assert unsupported(scene(incident, road_layout=layout)) is None
        assert layout_of(scene(incident, road_layout=layout)) is (layout or ABILITIES[incident].layouts[0])
        assert layout is None or layout in PLACES


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        (scene(None), ["incident_type is empty", "rear_end_collision"]),
        (scene(IncidentType.ROAD_WORKS, road_layout=RoadLayout.HIGHWAY), ["'highway'", "work_zone"]),
        (scene(road_layout=RoadLayout.HIGHWAY), ["'highway'", "four_way_intersection"]),
        (scene(road_layout=RoadLayout.RURAL_ROAD), ["'rural_road'", "four_way_intersection"]),
        (
            scene(
                IncidentType.HEAD_ON_COLLISION,
                road_layout=RoadLayout.RURAL_ROAD,
                participants=parts(
                    (ParticipantType.BICYCLE, Role.BYSTANDER), (ParticipantType.PEDESTRIAN, Role.BYSTANDER)
                ),
            ),
            ["a pedestrian has no place on a rural road"],
        ),
        (scene(collision_type=CollisionType.SIDESWIPE), ["'sideswipe'", "t-bone"]),
        (
            scene(
                IncidentType.MOTORCYCLIST_COLLISION,
                road_layout=RoadLayout.HIGHWAY,
                collision_type=CollisionType.T_BONE,
            ),
            ["'t-bone'", "highway", "four_way_intersection"],
        ),
        (scene(IncidentType.NORMAL_TRAFFIC, collision_type=CollisionType.T_BONE), ["'t-bone'", "leave it empty"]),
        (scene(aftermath=Aftermath.PUSHED_FORWARD), ["'pushed_forward'", "vehicles_stop"]),
        (scene(weather=Weather.RAIN, road_surface=RoadSurface.DRY), ["'dry'", "rain", "wet"]),
        (scene(weather=Weather.SNOW, road_surface=RoadSurface.DRY), ["'dry'", "snow", "snowy"]),
        (scene(cause=Cause.STEPPED_OUT), ["'stepped_out'", "red_light_running"]),
        (
            scene(cause=Cause.RED_LIGHT_RUNNING, road_layout=RoadLayout.URBAN_STREET),
            ["'red_light_running'", "urban_street", "four_way_intersection"],
        ),
        (scene(IncidentType.VEHICLE_NEAR_MISS, severity=Severity.MINOR), ["'minor'", "leave it empty"]),
        (
            scene(IncidentType.NORMAL_TRAFFIC, averted_incident=IncidentType.JAYWALKING),
            ["'jaywalking'", "rear_end_collision"],
        ),
        (
            scene(
                IncidentType.NORMAL_TRAFFIC, averted_incident=CROSSING, road_layout=RoadLayout.HIGHWAY
            ),
            ["'highway'", "intersection_collision", "four_way_intersection"],
        ),
        (scene(participants=parts((ParticipantType.BICYCLE, Role.AT_FAULT))), ["'bicycle'", "sedan"]),
        (scene(participants=parts(*[(ParticipantType.SUV, Role.AT_FAULT)] * 2)), ["one participant at_fault", "2"]),
        (scene(participants=parts(*[(ParticipantType.SUV, Role.NOT_AT_FAULT)] * 2)), ["at most 1 not_at_fault"]),
        (scene(participants=parts((ParticipantType.PEDESTRIAN, Role.AT_FAULT))), ["'pedestrian'", "pickup"]),
        (scene(participants=parts((ParticipantType.PEDESTRIAN, Role.NOT_AT_FAULT))), ["'pedestrian'", "sedan"]),
        (
            scene(
                NEAR_MISS,
                participants=parts((ParticipantType.SUV, Role.AT_FAULT), (ParticipantType.VAN, Role.NOT_AT_FAULT)),
            ),
            ["one pedestrian and one vehicle"],
        ),
        (
            scene(
                IncidentType.CYCLIST_COLLISION,
                participants=parts(*[(ParticipantType.BICYCLE, role) for role in (Role.AT_FAULT, Role.NOT_AT_FAULT)]),
            ),
            ["one bicycle and one vehicle"],
        ),
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
        (
            scene(
                IncidentType.REAR_END_COLLISION, participants=parts((ParticipantType.BICYCLE, Role.BYSTANDER))
            ),
            ["highway", "road_layout"],
        ),
        (
            scene(IncidentType.NORMAL_TRAFFIC, road_layout=RoadLayout.TUNNEL, weather=Weather.RAIN),
            ["'rain'", "tunnel", "clear, overcast"],
        ),
        (
            scene(IncidentType.NORMAL_TRAFFIC, road_layout=RoadLayout.TUNNEL, road_surface=RoadSurface.ICY),
            ["'icy'", "tunnel", "dry, wet"],
        ),
        (scene(IncidentType.JAYWALKING, road_layout=RoadLayout.BRIDGE), ["'bridge'", "urban_street"]),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_by_name_with_what_can(asked, names):
    no = unsupported(asked)
    assert no is not None
    for name in names:
        assert name in no.reason
    assert no.column in {"incident_type", "participants"} or no.value == getattr(asked, no.column)


@pytest.mark.parametrize("incident", [incident for incident in ABILITIES if incident.is_anomaly])
def test_an_incident_and_its_counterfactual_are_made_in_the_same_places(incident):
    for layout in ABILITIES[incident].layouts:
        calm = scene(IncidentType.NORMAL_TRAFFIC, averted_incident=incident, road_layout=layout)
        assert unsupported(calm) is None
    natural = scene(IncidentType.NORMAL_TRAFFIC, averted_incident=incident)
    assert layout_of(natural) is layout_of(scene(incident))


@pytest.mark.parametrize(("incident", "ability"), ABILITIES.items())
def test_every_word_of_an_ability_is_accepted(incident, ability):
    for cause in ability.causes:
        assert unsupported(scene(incident, cause=cause)) is None
    for aftermath in ability.aftermaths:
        assert unsupported(scene(incident, aftermath=aftermath)) is None
    for type_ in ability.at_fault:
        assert unsupported(scene(incident, participants=parts((type_, Role.AT_FAULT)))) is None or (
            type_ is ParticipantType.BICYCLE and layout_of(scene(incident)) is RoadLayout.HIGHWAY
        )
