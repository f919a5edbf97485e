import pytest

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.incidents.errors import crossing_plan, following_plan
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.setting import setting_of
from its_core.engines.simulator.optics.camera import camera_for
from its_core.engines.simulator.roads.registry import place
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


@pytest.mark.parametrize(("mps", "to_line_m", "late"), [(8.0, 15.0, True), (14.0, 15.0, False)])
def test_where_nobody_errs_who_would_run_the_light_brakes_for_it_late_if_they_can(
    mps: float, to_line_m: float, late: bool
) -> None:
    start_m, front_m, onset_s = 10.0, 2.2, 3.0
    details = {
        **{"culprit_mps": mps, "s_m": start_m + mps * onset_s, "line_m": start_m + front_m + to_line_m, "turns": 0.0},
        **{"front_m": front_m, "other_front_m": 2.2, "half_m": 0.9, "other_half_m": 0.9, "other_s_m": 30.0},
        **{"from_rest": 0.0, "way": 0.0},
    }
    cause, collision = Cause.RED_LIGHT_RUNNING, CollisionType.T_BONE
    moment = Opportunity(40.0, (0.0, 0.0), CULPRIT, (VICTIM,), cause, collision, onset_s, 12.0, details)
    calm = crossing_plan(SETTING, moment, CONTACT_S, 0).calm
    assert (CULPRIT in calm) is late
    if late:
        from_s, to_s = calm[CULPRIT].errs_s
        left_m = to_line_m - mps * (to_s - from_s)
        assert from_s == CONTACT_S - onset_s < to_s
        assert left_m >= mps * mps / (2.0 * 3.2) - 1e-6  # braking gently enough
