import pytest

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.incidents.errors import crossing_plan, following_plan
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.setting import setting_of
from its_core.engines.simulator.optics.camera import camera_for
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.traffic.drivers import hardest_braking_mps2
from its_core.taxonomy import Cause, CollisionType, RoadLayout

CLIP = Geometry.of("480", 10)
PLACE = place(RoadLayout.RURAL_ROAD, "late")
SETTING = setting_of(Scene("late"), PLACE, CLIP, camera_for("late", PLACE, CLIP), 3)
CULPRIT, VICTIM, CONTACT_S = 1001, 1002, 3.0


@pytest.mark.parametrize("brakes", [{}, {"leader_brakes_mps2": 6.0, "follower_mps": 20.0, "gap_m": 18.0}])
def test_where_nobody_errs_the_follower_looks_up_late_but_in_time(brakes: dict[str, float]) -> None:
    moment = Opportunity(
        40.0, (0.0, 0.0), CULPRIT, (VICTIM,), Cause.INATTENTION, CollisionType.REAR_END, 2.5, 8.0, brakes
    )
    plan = following_plan(SETTING, moment, CONTACT_S, 0)
    (errs_s, _), (late_s, looks_s) = plan.intents[CULPRIT].blind_s, plan.calm[CULPRIT].blind_s
    assert late_s == errs_s == CONTACT_S - 2.5
    assert 1.0 < looks_s - late_s < 1.6
    assert (VICTIM in plan.calm) is bool(brakes)  # whoever brakes hard does so whether or not anybody looks


def test_a_follower_who_closes_in_fast_looks_up_while_braking_still_helps() -> None:
    closing_mps, onset_s = 20.0, 2.5
    cause, collision = Cause.INATTENTION, CollisionType.REAR_END
    moment = Opportunity(40.0, (0.0, 0.0), CULPRIT, (VICTIM,), cause, collision, onset_s, closing_mps)
    late_s, looks_s = following_plan(SETTING, moment, CONTACT_S, 0).calm[CULPRIT].blind_s
    left_m = closing_mps * (onset_s - (looks_s - late_s))
    assert closing_mps**2 / (2.0 * hardest_braking_mps2(SETTING.grip)) < 0.9 * left_m


@pytest.mark.parametrize(("mps", "to_line_m", "late"), [(8.0, 15.0, True), (14.0, 15.0, False)])
def test_where_nobody_errs_who_would_run_the_light_brakes_for_it_late_if_they_can(
    mps: float, to_line_m: float, late: bool
) -> None:
    onset_s = 3.0
    moment = crossing(mps, to_line_m, onset_s)
    calm = crossing_plan(SETTING, moment, CONTACT_S, 0).calm
    assert (CULPRIT in calm) is late
    if late:
        from_s, to_s = calm[CULPRIT].errs_s
        left_m = to_line_m - mps * (to_s - from_s)
        assert from_s == CONTACT_S - onset_s < to_s
        assert left_m >= mps * mps / (2.0 * 3.2) - 1e-6  # braking gently enough


@pytest.mark.parametrize("to_line_m", [0.8, 2.0])
def test_where_nobody_errs_who_waits_sets_off_as_hard_and_stops_at_the_line(to_line_m: float) -> None:
    pulls_mps2 = 2.2
    plan = crossing_plan(SETTING, crossing(0.0, to_line_m, 2.5, pulls_mps2), CONTACT_S, 0)
    crash, calm = plan.intents[CULPRIT], plan.calm[CULPRIT]
    assert crash.chase is not None and calm.chase is not None
    assert (calm.chase.from_s, calm.errs_s[0]) == (crash.chase.from_s, crash.errs_s[0])
    (brake,) = calm.brakes
    assert brake.from_s == calm.chase.to_s == calm.errs_s[1]
    reached_mps = pulls_mps2 * (brake.from_s - calm.chase.from_s)
    rolled_m = reached_mps**2 / (2.0 * pulls_mps2) + reached_mps**2 / (2.0 * brake.mps2)
    assert to_line_m - 0.1 < rolled_m < to_line_m + 0.5  # farther, one drives on
    assert reached_mps < brake.mps2 * (brake.to_s - brake.from_s)


def crossing(mps: float, to_line_m: float, onset_s: float, from_rest: float = 0.0) -> Opportunity:
    """Somebody drives at ``mps``, or waits, so far before the line that they cross ``onset_s`` before the touch."""
    start_m, front_m = 10.0, 2.2
    way_m = 0.5 * from_rest * onset_s * onset_s if from_rest else mps * onset_s
    details = {
        **{"culprit_mps": mps, "from_m": start_m, "s_m": start_m + way_m, "line_m": start_m + front_m + to_line_m},
        **{"front_m": front_m, "other_front_m": 2.2, "half_m": 0.9, "other_half_m": 0.9, "other_s_m": 30.0},
        **{"from_rest": from_rest, "way": 0.0, "turns": 0.0},
    }
    cause, collision = Cause.RED_LIGHT_RUNNING, CollisionType.T_BONE
    return Opportunity(40.0, (0.0, 0.0), CULPRIT, (VICTIM,), cause, collision, onset_s, 12.0, details)
