from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from its_core.clip import Participant, Scene
from its_core.engines.simulator.capabilities import ABILITIES
from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.incidents.catalogue import staged
from its_core.engines.simulator.incidents.verdicts import WINDOW
from its_core.engines.simulator.randomness import attempt_seed
from its_core.engines.simulator.trace import forward
from its_core.taxonomy import (
    Aftermath,
    Colour,
    IncidentType,
    ParticipantType,
    RoadLayout,
    RoadSurface,
    Role,
    TrafficDensity,
)
from tests.engines.simulator.judged import Judged

RunScene = Callable[[Scene, int], Judged]
SEDAN, SUV, PICKUP, VAN = VEHICLES
PEDESTRIAN = ParticipantType.PEDESTRIAN


def happens(run_scene: RunScene, scene: Scene, seed: int) -> Judged:
    """The first run of a few seeds in which it happened; most first ones do."""
    runs = (run_scene(scene, attempt_seed(seed, attempt)) for attempt in range(6))
    return next(run for run in runs if run.verdict.happened)


def scene(incident: IncidentType, layout: RoadLayout, camera: str = "cam_11", **words) -> Scene:
    return Scene(camera, incident, road_layout=layout, **words)


CROSSING = scene(
    IncidentType.INTERSECTION_COLLISION,
    RoadLayout.FOUR_WAY_INTERSECTION,
    participants=(
        Participant(SEDAN, Colour.RED, Role.AT_FAULT),
        Participant(SUV, Colour.WHITE, Role.NOT_AT_FAULT),
        Participant(VAN, Colour.YELLOW, Role.BYSTANDER),
        Participant(PEDESTRIAN, Colour.GREEN, Role.BYSTANDER),
    ),
)
REAR_END = scene(
    IncidentType.REAR_END_COLLISION,
    RoadLayout.HIGHWAY,
    participants=(
        Participant(SEDAN, Colour.BLACK, Role.AT_FAULT),
        Participant(PICKUP, Colour.SILVER, Role.NOT_AT_FAULT),
    ),
    aftermath=Aftermath.PUSHED_FORWARD,
)
NEAR_MISS = scene(
    IncidentType.PEDESTRIAN_NEAR_MISS,
    RoadLayout.URBAN_STREET,
    participants=(
        Participant(VAN, Colour.WHITE, Role.AT_FAULT),
        Participant(PEDESTRIAN, Colour.RED, Role.NOT_AT_FAULT),
        Participant(PEDESTRIAN, None, Role.NOT_AT_FAULT),
    ),
    aftermath=Aftermath.PEDESTRIANS_RETREAT,
)


def test_participants_are_who_the_row_names(run_scene):
    actors = happens(run_scene, CROSSING, 3).trace.actors
    assert (actors[0].type, actors[0].colour, actors[0].role) == (SEDAN, Colour.RED, Role.AT_FAULT)
    assert (actors[1].type, actors[1].colour, actors[1].role) == (SUV, Colour.WHITE, Role.NOT_AT_FAULT)
    assert [actor.role for actor in actors[2:]] == [Role.BYSTANDER] * (len(actors) - 2)
    assert (VAN, Colour.YELLOW) in {(actor.type, actor.colour) for actor in actors[2:]}
    assert (PEDESTRIAN, Colour.GREEN) in {(actor.type, actor.colour) for actor in actors}
    assert [actor.track_id for actor in actors] == list(range(1, len(actors) + 1))


def test_a_red_light_is_run_and_one_car_strikes_the_others_side(run_scene):
    run = happens(run_scene, CROSSING, 3)
    trace, contact = run.trace, run.trace.contacts[0]
    assert contact.tracks == (1, 2)
    assert WINDOW[0] <= contact.time_s / (len(trace.positions) / trace.fps) <= WINDOW[1]
    lane = run.staging.vehicles[0].lane
    crossed = int(np.argmax(run.arcs[:, 0] + VEHICLES[SEDAN].length_m / 2 > lane.stop_s_m))
    assert trace.signals[crossed, lane.signal] == 2
    assert trace.signals[contact.frame, run.staging.vehicles[1].lane.signal] == 0
    before = contact.frame - 1
    angle = np.degrees(np.arccos(forward(trace, before, 0) @ forward(trace, before, 1)))
    assert 50 <= angle <= 130
    assert run.verdict.anomaly_start < crossed <= contact.frame
    assert contact.frame < run.verdict.anomaly_end <= len(trace.positions)
    assert trace.speeds[run.verdict.anomaly_end :, :2].max(initial=0.0) < 0.3


def test_the_follower_hits_the_rear_and_pushes_the_leader_on(run_scene):
    run = happens(run_scene, REAR_END, 5)
    trace, contact = run.trace, run.trace.contacts[0]
    assert contact.tracks == (1, 2)
    gap = run.arcs[:, 1] - run.arcs[:, 0] - (VEHICLES[SEDAN].length_m + VEHICLES[PICKUP].length_m) / 2
    assert gap[0] > 4.0
    assert abs(gap[contact.frame]) < 0.3
    assert trace.speeds[contact.frame + 1, 1] > trace.speeds[contact.frame - 1, 1] + 1.5
    braking = int(np.argmax(trace.braking[:, 1]))
    assert braking <= run.verdict.anomaly_start + 6 < contact.frame
    assert np.hypot(*(trace.positions[-1, 1, :2] - trace.positions[contact.frame, 1, :2])) > 4.0


def test_people_jump_back_from_a_van_that_comes_near_and_touches_nobody(run_scene):
    run = happens(run_scene, NEAR_MISS, 2)
    trace = run.trace
    people = [i for i, actor in enumerate(trace.actors) if actor.role is Role.NOT_AT_FAULT]
    assert len(people) == 2
    assert trace.contacts == () and trace.dents == ()
    away = np.linalg.norm(trace.positions[:, people, :2] - trace.positions[:, :1, :2], axis=-1)
    assert away.min() < VEHICLES[VAN].length_m / 2 + 1.5
    assert trace.startle[:, people].max() == 1.0
    startled = int(np.argmax(trace.startle[:, people].max(axis=1) > 0))
    assert run.verdict.anomaly_start <= startled < run.verdict.anomaly_end
    assert np.abs(run.asides[:, 0]).max() > 0.15  # it swerves
    assert trace.speeds[-1, 0] > 2.0  # and drives on


@pytest.mark.parametrize("layout", ABILITIES[IncidentType.NORMAL_TRAFFIC].layouts)
def test_nothing_happens_in_normal_traffic(run_scene, layout):
    run = run_scene(scene(IncidentType.NORMAL_TRAFFIC, layout, traffic_density=TrafficDensity.HIGH), 7)
    trace = run.trace
    assert run.verdict.happened
    assert trace.contacts == () and run.verdict.anomaly_start is None and run.verdict.anomaly_end is None
    assert {actor.role for actor in trace.actors} == {Role.BYSTANDER}
    assert len(trace.actors) > 15
    assert trace.startle.max() == 0.0


def test_wet_roads_need_longer_braking(setting_of):
    staged_on = {
        surface: staged(setting_of(scene(IncidentType.REAR_END_COLLISION, RoadLayout.HIGHWAY, road_surface=surface), 1))
        .vehicles[1]
        .intent.brakes_mps2
        for surface in (RoadSurface.DRY, RoadSurface.WET)
    }
    assert staged_on[RoadSurface.WET] < 5.2 < staged_on[RoadSurface.DRY]


@pytest.mark.parametrize("aftermath", [Aftermath.VEHICLES_STOP, Aftermath.VEHICLES_BLOCK_TRAFFIC])
def test_an_aftermath_that_is_asked_for_is_seen(run_scene, aftermath):
    asked = scene(IncidentType.INTERSECTION_COLLISION, RoadLayout.FOUR_WAY_INTERSECTION, aftermath=aftermath)
    run = happens(run_scene, asked, 1)
    assert run.trace.speeds[-1, :2].max() < 0.3
    assert np.abs(run.trace.positions[-1, :2, :2]).min(axis=-1).max() < 9.0  # on one of the two streets


def test_a_spin_that_did_not_come_is_said(run_scene):
    asked = scene(IncidentType.INTERSECTION_COLLISION, RoadLayout.FOUR_WAY_INTERSECTION, aftermath=Aftermath.SPINS_OUT)
    runs = [run_scene(asked, seed) for seed in range(1, 5)]
    for run in runs:
        before = run.trace.contacts[0].frame - 1
        turned = max(
            np.degrees(np.arccos(np.clip(forward(run.trace, before, n) @ forward(run.trace, -1, n), -1, 1)))
            for n in (0, 1)
        )
        assert run.verdict.happened == (turned >= 45) or "touched" in run.verdict.why
        assert run.verdict.happened or run.verdict.why


@pytest.mark.parametrize(
    ("incident", "layout"),
    [(incident, layout) for incident, ability in ABILITIES.items() for layout in ability.layouts],
)
def test_most_first_tries_succeed_and_say_why_when_they_do_not(run_scene, incident, layout):
    runs = [run_scene(scene(incident, layout, f"cam_{seed}"), seed) for seed in range(4)]
    assert sum(run.verdict.happened for run in runs) >= 3
    assert all(run.verdict.why for run in runs if not run.verdict.happened)
