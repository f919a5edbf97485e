from __future__ import annotations

import dataclasses
import gc

import pytest
from panda3d.core import TransformState

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.incidents import attempts
from its_core.engines.simulator.incidents.attempts import kind_try, one_try, try_until_it_happens
from its_core.engines.simulator.incidents.budget import Budget
from its_core.engines.simulator.incidents.catalogue import KINDS
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict, failed
from its_core.engines.simulator.incidents.outcome.visibility import unseen
from its_core.engines.simulator.incidents.setting import Setting, setting_of
from its_core.engines.simulator.incidents.stage import Staged, staged_moments
from its_core.engines.simulator.incidents.timeline import Timeline, recorded
from its_core.engines.simulator.optics.camera import camera_for
from its_core.engines.simulator.randomness import attempt_seed
from its_core.engines.simulator.roads.layouts import Building
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.simulation.flow import Flow
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.simulation.staging import Roles, Staging
from its_core.taxonomy import IncidentType, RoadLayout, RoadSurface, TrafficDensity
from tests.engines.simulator.staged import scraping

pytestmark = pytest.mark.slow

CLIP = Geometry.of("480", 16)
SCENE = Scene("cam_01", IncidentType.REAR_END_COLLISION, road_layout=RoadLayout.HIGHWAY)
PLACE = place(RoadLayout.HIGHWAY, "cam_01")
CAMERA = camera_for("cam_01", PLACE, CLIP)


def test_the_first_try_takes_the_clips_own_seed():
    tried = try_until_it_happens(SCENE, PLACE, CAMERA, CLIP, seed=5, attempts=12)
    assert tried.run is not None and tried.verdict is not None and tried.verdict.happened
    assert tried.tries[0].seed == 5
    assert tried.tries[-1].why == ""
    assert TransformState.getNumStates() < 1000  # a run makes tens of thousands; kept, they would fill the memory


def test_a_camera_that_looks_elsewhere_sees_nothing_and_every_try_says_why():
    x, y, z = CAMERA.position_m
    elsewhere = dataclasses.replace(CAMERA, position_m=(x + 3000.0, y, z))
    tried = try_until_it_happens(SCENE, PLACE, elsewhere, CLIP, seed=5, attempts=1)
    assert tried.run is None
    assert [attempt.seed for attempt in tried.tries] == [5]
    assert all(attempt.why for attempt in tried.tries)


def test_what_a_building_hides_is_not_seen():
    tried = try_until_it_happens(SCENE, PLACE, CAMERA, CLIP, seed=5, attempts=12)
    assert tried.run is not None and tried.verdict is not None and tried.verdict.where_m is not None
    setting = setting_of(SCENE, PLACE, CLIP, CAMERA, 5)
    assert unseen(setting, tried.run, tried.verdict) == ""
    # A tower half way between the camera and the spot.
    x, y = ((a + b) / 2 for a, b in zip(CAMERA.position_m[:2], tried.verdict.where_m[:2], strict=True))
    tower = Building((x - 12.0, y - 12.0, x + 12.0, y + 12.0), 40.0, 0)
    built = dataclasses.replace(setting, layout=dataclasses.replace(PLACE, buildings=(tower,)))
    assert "a building" in unseen(built, tried.run, tried.verdict)


@pytest.mark.parametrize("seed", [0, 5, 2**31 - 1])
def test_seeds_of_later_tries_are_fixed_and_31_bits_long(seed):
    seeds = [attempt_seed(seed, attempt) for attempt in range(20)]
    assert len(set(seeds)) == 20
    assert all(0 <= value < 2**31 for value in seeds)


def test_derived_seeds_never_change():
    assert attempt_seed(5, 1) == 1713025256


def test_a_try_goes_on_to_the_next_moment_until_the_physics_show_it():
    kind, judged = KINDS[IncidentType.REAR_END_COLLISION], []

    def hard_to_please(setting: Setting, run: Run) -> Verdict:
        judged.append(run.trace.positions.tobytes())
        return kind.judge(setting, run) if len(judged) > 2 else failed("not this one")

    own = setting_of(SCENE, PLACE, CLIP, CAMERA, 5)
    tried = kind_try(own, dataclasses.replace(kind, judge=hard_to_please))
    assert not tried.why
    assert tried.runs == len(judged) >= 3
    assert len(set(judged)) == len(judged)  # other moments, not the same again


@pytest.mark.parametrize("doubtful", [1, 100])
def test_a_moment_that_viewers_might_not_name_is_taken_for_want_of_a_better(doubtful, monkeypatch):
    monkeypatch.setattr(attempts, "PHYSICS_RUNS", 3)
    kind, found = KINDS[IncidentType.REAR_END_COLLISION], []

    def doubts(setting: Setting, run: Run) -> Verdict:
        verdict = kind.judge(setting, run)
        if verdict.happened:
            found.append(run)
        return dataclasses.replace(verdict, doubt="too faint" if len(found) <= doubtful else "")

    tried = kind_try(setting_of(SCENE, PLACE, CLIP, CAMERA, 5), dataclasses.replace(kind, judge=doubts))
    assert not tried.why
    assert tried.run is found[0 if doubtful == 100 else 1]


@pytest.mark.parametrize("closely", [1, 100])
def test_a_clip_in_which_a_cyclist_is_passed_closely_is_taken_for_want_of_a_better(closely, monkeypatch):
    monkeypatch.setattr(attempts, "PHYSICS_RUNS", 3)
    kind, found = KINDS[IncidentType.REAR_END_COLLISION], []

    def passed(setting: Setting, run: Run, verdict: Verdict) -> str:  # noqa: ARG001
        found.append(run)
        return "a cyclist is passed closely" if len(found) <= closely else ""

    monkeypatch.setattr(attempts, "closely_passed", passed)
    tried = kind_try(setting_of(SCENE, PLACE, CLIP, CAMERA, 5), kind)
    assert not tried.why
    assert tried.run is found[0 if closely == 100 else 1]


@pytest.mark.parametrize("closely", [1, 100])
def test_normal_traffic_in_which_a_cyclist_is_passed_closely_is_taken_for_want_of_a_better(closely, monkeypatch):
    monkeypatch.setattr(attempts, "PHYSICS_RUNS", 4)
    calm: list[Run] = []

    def passed(setting: Setting, run: Run, verdict: Verdict) -> str:  # noqa: ARG001
        if verdict.shown:  # the incident that does not happen
            return ""
        calm.append(run)
        return "a cyclist is passed closely" if len(calm) <= closely else ""

    monkeypatch.setattr(attempts, "closely_passed", passed)
    scene = dataclasses.replace(
        SCENE, incident_type=IncidentType.NORMAL_TRAFFIC, averted_incident=IncidentType.REAR_END_COLLISION
    )
    tried = one_try(setting_of(scene, PLACE, CLIP, CAMERA, 5))
    assert not tried.why
    assert len(calm) > 1
    assert tried.run is calm[0 if closely == 100 else 1]


def test_a_try_ends_when_its_budget_is_spent():
    own, kind = setting_of(SCENE, PLACE, CLIP, CAMERA, 5), KINDS[IncidentType.REAR_END_COLLISION]
    budget = Budget(1.0)
    assert list(staged_moments(own, kind, budget)) == []  # one stretch of traffic was recorded, nothing rehearsed
    spent = 1.0 - budget.left
    assert spent > 1000.0
    budget = Budget(10.0 * spent)
    staged = next(each for each in staged_moments(own, kind, budget) if not isinstance(each, str))
    assert staged.rounds == 1
    assert spent < 10.0 * spent - budget.left < 5.0 * spent


@pytest.mark.parametrize(
    ("happens", "reserve_steps", "looked_at"), [(False, 1e12, 3), (False, 0.0, 1), (True, 1e12, 1)]
)
def test_a_try_whose_moments_fail_in_the_physics_may_go_on(happens, reserve_steps, looked_at, monkeypatch):
    kind, judged = KINDS[IncidentType.REAR_END_COLLISION], []

    def judge(setting: Setting, run: Run) -> Verdict:
        verdict = kind.judge(setting, run)
        judged.append(verdict.happened)
        return dataclasses.replace(verdict, doubt="too faint") if happens else failed("never")

    monkeypatch.setattr(attempts, "PHYSICS_RUNS", 3)
    monkeypatch.setattr(attempts, "PHYSICS_STEPS", 1e6)  # one run takes all of the budget
    monkeypatch.setattr(attempts, "RESERVE_STEPS", reserve_steps)
    tried = kind_try(setting_of(SCENE, PLACE, CLIP, CAMERA, 5), dataclasses.replace(kind, judge=judge))
    assert len(judged) == looked_at
    assert (tried.why == "") is happens


def test_a_try_that_found_no_moment_does_not_go_on(monkeypatch):
    monkeypatch.setattr(attempts, "BUDGET_STEPS", 1.0)
    assert kind_try(setting_of(SCENE, PLACE, CLIP, CAMERA, 5), KINDS[IncidentType.REAR_END_COLLISION]).run is None


def test_drivers_who_go_straight_in_the_traffic_turn_across_others_in_a_crash():
    here = place(RoadLayout.FOUR_WAY_INTERSECTION, "cam_03")
    scene = Scene("cam_03", IncidentType.INTERSECTION_COLLISION, road_layout=RoadLayout.FOUR_WAY_INTERSECTION)
    own = setting_of(scene, here, CLIP, camera_for("cam_03", here, CLIP), 3)
    rng = own.rng("flow")
    timeline = recorded(Flow(here, TrafficDensity.MEDIUM, own.surface, rng, own.programme), own.programme)
    found = KINDS[IncidentType.INTERSECTION_COLLISION].search(timeline, own)
    turning = [each for each in found if each.details["turns"]]
    assert turning and len(turning) < len(found)
    assert "left" in {timeline.roads.lanes[int(each.details["way"])].movement for each in turning}
    for each in turning:
        way = int(each.details["way"])
        assert way not in timeline.tracks[each.culprit].way
        assert timeline.roads.lanes[way].movement != "straight"
        assert KINDS[IncidentType.INTERSECTION_COLLISION].plan(own, timeline, each, 2.0, 0).ways == {each.culprit: way}


def test_a_try_leaves_no_cycles_for_the_collector_it_goes_without():
    here = setting_of(SCENE, PLACE, CLIP, CAMERA, 5)
    attempts.one_try(here)  # whatever is made once for a place
    gc.collect()
    gc.disable()
    try:
        attempts.one_try(here)
        assert not gc.isenabled()
        assert gc.collect() == 0
    finally:
        gc.enable()
    before = gc.get_stats()[0]["collections"]
    attempts.one_try(here)
    assert gc.isenabled()
    assert gc.get_stats()[0]["collections"] - before < 5


@pytest.mark.parametrize("touches", [False, True])
def test_physics_in_which_nobody_shall_touch_end_where_somebody_does(touches, monkeypatch):
    kind = dataclasses.replace(KINDS[IncidentType.REAR_END_COLLISION], touches=touches, judge=lambda *_: failed("no"))
    monkeypatch.setattr(attempts, "staged_moments", lambda *_: iter([Staged(_crash(), None, 1)]))
    tried = kind_try(setting_of(SCENE, PLACE, CLIP, CAMERA, 5), kind)
    assert tried.run is not None
    assert tried.run.trace.positions[-1].any() == touches
    assert tried.why.endswith("touched") != touches


def test_calm_physics_end_where_somebody_touches(monkeypatch):
    monkeypatch.setattr(attempts, "_accepted", lambda *_: iter([(attempts.Try(5, ""), _crash)]))
    calm = dataclasses.replace(SCENE, incident_type=IncidentType.NORMAL_TRAFFIC)
    tried = attempts.one_try(setting_of(calm, PLACE, CLIP, CAMERA, 5))
    assert tried.run is not None
    assert not tried.run.trace.positions[-1].any()
    assert tried.why.endswith("touched")


def _crash() -> Staging:
    return Staging(PLACE, RoadSurface.DRY, None, tuple(scraping(PLACE)), (), (), Roles(None, (), errs=False))


@pytest.mark.parametrize("incident", [IncidentType.PEDESTRIAN_NEAR_MISS, IncidentType.JAYWALKING])
def test_moments_of_people_are_not_looked_for_in_crowds(incident: IncidentType):
    here = place(RoadLayout.URBAN_STREET, "cam_01")
    asked = Scene("cam_01", incident, road_layout=here.name, traffic_density=TrafficDensity.LOW)
    setting = setting_of(asked, here, CLIP, camera_for("cam_01", here, CLIP), 5)
    people = []

    def nothing(timeline: Timeline, _: Setting) -> list[Opportunity]:
        people.append(len(timeline.people))
        return []

    assert set(staged_moments(setting, dataclasses.replace(KINDS[incident], search=nothing, later=None), Budget(6e4)))
    assert len(people) > 4  # rounds of traffic
    assert max(people) <= 6
