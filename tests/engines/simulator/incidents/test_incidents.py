"""Every kind of clip happens in the physics, and is what its word says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from its_core.clip import Participant, Scene
from its_core.engines.simulator.abilities import ABILITIES
from its_core.engines.simulator.incidents.attempts import Try
from its_core.engines.simulator.incidents.outcome.measures import overlaps_at
from its_core.engines.simulator.incidents.outcome.story import phases_of
from its_core.engines.simulator.incidents.outcome.verdicts import WINDOW
from its_core.engines.simulator.simulation.run import Run
from its_core.taxonomy import (
    Aftermath,
    Cause,
    CollisionType,
    Colour,
    IncidentType,
    ParticipantType,
    RoadLayout,
    Role,
)

pytestmark = pytest.mark.slow

Happened = Callable[[Scene, int], Try]
Kind, L = IncidentType, RoadLayout
WITH_CONTACT = [
    (Kind.INTERSECTION_COLLISION, L.FOUR_WAY_INTERSECTION, CollisionType.T_BONE),
    (Kind.REAR_END_COLLISION, L.HIGHWAY, CollisionType.REAR_END),
    (Kind.HEAD_ON_COLLISION, L.URBAN_STREET, CollisionType.HEAD_ON),
    (Kind.SIDESWIPE_COLLISION, L.HIGHWAY, CollisionType.SIDESWIPE),
    (Kind.SINGLE_VEHICLE_CRASH, L.URBAN_STREET, CollisionType.SINGLE),
    (Kind.MULTI_VEHICLE_PILEUP, L.HIGHWAY, CollisionType.REAR_END),
    (Kind.PEDESTRIAN_COLLISION, L.URBAN_STREET, None),
    (Kind.CYCLIST_COLLISION, L.URBAN_STREET, None),
    (Kind.MOTORCYCLIST_COLLISION, L.FOUR_WAY_INTERSECTION, None),
]
WITHOUT_CONTACT = [
    (Kind.PEDESTRIAN_NEAR_MISS, L.URBAN_STREET),
    (Kind.VEHICLE_NEAR_MISS, L.HIGHWAY),
    (Kind.NORMAL_TRAFFIC, L.FOUR_WAY_INTERSECTION),
    (Kind.HARD_BRAKING, L.HIGHWAY),
    (Kind.CLOSE_PASS, L.URBAN_STREET),
    (Kind.ILLEGAL_TURN, L.FOUR_WAY_INTERSECTION),
    (Kind.STOPPED_VEHICLE, L.HIGHWAY),
    (Kind.JAYWALKING, L.URBAN_STREET),
    (Kind.EMERGENCY_VEHICLE, L.URBAN_STREET),
]


def scene(incident: IncidentType, layout: RoadLayout, camera: str = "cam_1", **words) -> Scene:
    return Scene(camera, incident, road_layout=layout, **words)


def run_of(tried: Try) -> Run:
    assert tried.run is not None and tried.verdict is not None
    return tried.run


def test_every_incident_has_its_words():
    assert {kind for kind, _, _ in WITH_CONTACT} == {kind for kind in ABILITIES if kind.has_contact}


@pytest.mark.parametrize(("incident", "layout", "collision"), WITH_CONTACT)
def test_a_crash_is_one_of_its_kind_and_nobody_touched_before(
    happened: Happened, incident: IncidentType, layout: RoadLayout, collision: CollisionType | None
):
    tried = happened(scene(incident, layout), 3)
    run, verdict = run_of(tried), tried.verdict
    trace, roles = run.trace, run.staging.roles
    first = trace.contacts[0]
    assert roles.errs and roles.culprit in first.numbers
    assert collision is None or verdict.collision is collision
    assert WINDOW[0] <= first.time_s * trace.fps / len(trace.positions) <= WINDOW[1]
    assert verdict.anomaly_start < first.frame < verdict.anomaly_end <= len(trace.positions)
    longest = 0.8 if incident is Kind.MULTI_VEHICLE_PILEUP else 0.55  # a chain takes its time
    assert verdict.anomaly_end - verdict.anomaly_start < longest * len(trace.positions)
    for frame in range(0, first.frame, 4):
        assert overlaps_at(run.trace, frame, -0.1) == [], frame
    assert [phase.name for phase in phases_of(verdict, len(trace.positions))][-2:] == ["impact", "after"]
    assert trace.actors[roles.culprit].role is Role.AT_FAULT
    if incident in (Kind.PEDESTRIAN_COLLISION, Kind.CYCLIST_COLLISION, Kind.MOTORCYCLIST_COLLISION):
        assert any(not np.isnan(poses[-1]).any() for poses in trace.limbs.values())  # somebody fell


@pytest.mark.parametrize(("incident", "layout"), WITHOUT_CONTACT)
def test_nobody_touches_where_nothing_goes_wrong(happened: Happened, incident: IncidentType, layout: RoadLayout):
    tried = happened(scene(incident, layout), 3)
    run, verdict = run_of(tried), tried.verdict
    trace = run.trace
    assert trace.contacts == () and trace.dents == ()
    assert (verdict.anomaly_start is not None) == incident.is_anomaly
    roles = {actor.role for actor in trace.actors}
    assert (Role.AT_FAULT in roles) == incident.is_anomaly
    for frame in range(0, len(trace.positions), 12):
        assert overlaps_at(run.trace, frame, -0.1) == [], frame
    assert any(actor.emergency for actor in trace.actors) == (incident is Kind.EMERGENCY_VEHICLE)


@pytest.mark.parametrize(("incident", "layout"), [(Kind.INTERSECTION_COLLISION, L.FOUR_WAY_INTERSECTION)])
def test_a_counterfactual_begins_as_its_incident_does(happened: Happened, incident: IncidentType, layout: RoadLayout):
    crash = run_of(happened(scene(incident, layout), 3)).trace
    calm = run_of(happened(scene(Kind.NORMAL_TRAFFIC, layout, averted_incident=incident), 3)).trace
    assert calm.contacts == ()
    assert [(a.type, a.colour, a.track_id) for a in crash.actors] == [
        (a.type, a.colour, a.track_id) for a in calm.actors
    ]
    assert np.abs(crash.positions[0, :, :2] - calm.positions[0, :, :2]).max() < 2.5
    assert np.median(np.abs(crash.positions[0, :, :2] - calm.positions[0, :, :2])) < 1e-9


def test_participants_are_who_the_row_names(happened: Happened):
    asked = scene(
        Kind.REAR_END_COLLISION,
        L.HIGHWAY,
        participants=(
            Participant(ParticipantType.SEDAN, Colour.BLACK, Role.AT_FAULT),
            Participant(ParticipantType.TRUCK, Colour.RED, Role.NOT_AT_FAULT),
            Participant(ParticipantType.VAN, Colour.YELLOW, Role.BYSTANDER),
        ),
    )
    run = run_of(happened(asked, 3))
    named = {(actor.type, actor.colour, actor.role) for actor in run.trace.actors}
    assert {(each.type, each.colour, each.role) for each in asked.participants} <= named
    ids = [actor.track_id for actor in run.trace.actors]
    assert sorted(ids) == list(range(1, len(ids) + 1)) and ids != sorted(ids)


def test_the_cause_and_the_aftermath_that_a_row_asks_for_come_about(happened: Happened):
    asked = scene(
        Kind.INTERSECTION_COLLISION,
        L.FOUR_WAY_INTERSECTION,
        cause=Cause.RED_LIGHT_RUNNING,
        aftermath=Aftermath.VEHICLES_STOP,
    )
    run = run_of(happened(asked, 2))
    trace, roles = run.trace, run.staging.roles
    assert roles.cause is Cause.RED_LIGHT_RUNNING
    lane = run.roads.lanes[int(trace.lane[0, roles.culprit])]
    over = int(np.argmax(run.arcs[:, roles.culprit] + 2.0 > lane.stop_s_m))
    assert trace.signals[over, lane.signal] == 2
    assert trace.speeds[-1, [roles.culprit, roles.victims[0]]].max() < 0.5


def test_several_people_of_a_row_are_endangered_together(happened: Happened):
    people = tuple(Participant(ParticipantType.PEDESTRIAN, Colour.RED, Role.NOT_AT_FAULT) for _ in range(2))
    asked = scene(
        Kind.PEDESTRIAN_NEAR_MISS,
        L.URBAN_STREET,
        participants=(Participant(ParticipantType.VAN, Colour.WHITE, Role.AT_FAULT), *people),
    )
    run = run_of(happened(asked, 3))
    endangered = [i for i, actor in enumerate(run.trace.actors) if actor.role is Role.NOT_AT_FAULT]
    assert len(endangered) == 2
    assert {run.trace.actors[i].colour for i in endangered} == {Colour.RED}
    apart = run.trace.positions[0, endangered[0], :2] - run.trace.positions[0, endangered[1], :2]
    assert 0.6 < float(np.hypot(*apart)) < 1.5
