"""What a detector is shown in training, and what it should give for it."""

from typing import Any

import numpy as np
import pytest

from its_core.evaluation.detector import road_users, samples, views
from its_core.evaluation.detector.batches import Prepared, batches, crops_of, groups_of, planned_epoch
from its_core.evaluation.detector.features import FLOW_PX, SIZE_PX, Features
from its_core.evaluation.detector.network import CELL_PX
from its_core.evaluation.detector.road_users import RoadUsers
from its_core.evaluation.detector.views import SHORT, WIDE, Window
from its_core.evaluation.ground_truth import TrueClip
from tests.evaluation import made_up

HEIGHT, WIDTH = SIZE_PX
TIMES_S = np.arange(60, dtype=np.float32) / 10
CONTACT = 30
CRASH = made_up.clip(
    "crash",
    pair_id="p",
    duration_s=6.0,
    accident_time_s=CONTACT / 10,
    center=(0.5, 0.5),
    box=(0.45, 0.45, 0.55, 0.55),
    type="t-bone",
)
AVERTED = made_up.calm("averted", pair_id="p", duration_s=6.0)


def clip_features(seed: int = 0) -> Features:
    frames = np.random.default_rng(seed).integers(0, 256, (len(TIMES_S), HEIGHT, WIDTH), np.uint8)
    flow = np.zeros((len(TIMES_S), 2, HEIGHT // FLOW_PX, WIDTH // FLOW_PX), np.float16)
    flow[:, 0] = 1
    return Features(frames, flow, frames[0], TIMES_S)


def truth() -> dict[str, Any]:
    """One car drives to the right until it meets one that stands in the middle; a third is far away."""
    tracks = []
    for track_id, x_px in ((1, lambda frame: min(frame, CONTACT) * 4 + 72), (2, lambda _: 200), (3, lambda _: 20)):
        y_px = 10 if track_id == 3 else 108
        states = []
        for frame in range(60):
            box = [x_px(frame) - 8, y_px - 4, x_px(frame) + 8, y_px + 4]
            drives = track_id == 1 and frame < CONTACT
            speed = 8.0 if drives else 0.0
            states.append({"frame": frame, "visible_box": box, "amodal_box": box, "velocity_mps": [speed, 0.0, 0.0]})
        tracks.append({"track_id": track_id, "frames": states})
    return {
        "camera": {"width_px": WIDTH, "height_px": HEIGHT},
        "fps": 10,
        "frames": 60,
        "tracks": tracks,
        "contacts": [{"frame": CONTACT, "tracks": [1, 2]}],
    }


@pytest.fixture(scope="module")
def users() -> RoadUsers:
    return road_users.of_truth(truth(), TIMES_S)


def test_annotations_say_how_road_users_move_and_when_they_collided(users: RoadUsers) -> None:
    assert users.before[CONTACT] * WIDTH == pytest.approx(np.array([[4, 0], [0, 0], [0, 0]]), abs=1e-3)
    assert users.after[CONTACT] == pytest.approx(np.zeros((3, 2)), abs=1e-6)
    assert users.collided[CONTACT - 1].tolist() == [False, False, False]
    assert users.collided[CONTACT].tolist() == [True, True, False]
    assert users.struck.max(axis=1).nonzero()[0].tolist() == [CONTACT - 1, CONTACT]
    assert users.struck[CONTACT].tolist() == [1, 0, 0]
    assert users.conflict[CONTACT - 1].argmax() in (0, 1)
    assert users.conflict[:, 2].max() < 0.01 < users.conflict[CONTACT - 1].max()


def test_brakes_are_no_blow() -> None:
    braking = truth()
    for state in braking["tracks"][0]["frames"]:
        state["velocity_mps"] = [max(0.0, 12.0 - 0.8 * state["frame"]), 0.0, 0.0]
    assert road_users.of_truth(braking, TIMES_S).struck.max() == 0


def test_a_hidden_road_user_covers_nothing() -> None:
    hidden = truth()
    for state in hidden["tracks"][0]["frames"]:
        state["visible_box"] = None
    users = road_users.of_truth(hidden, TIMES_S)
    assert np.isnan(users.boxes[:, 0]).all()
    assert users.conflict[:, 0].max() == 0


@pytest.mark.parametrize(("seed", "window"), [*((seed, SHORT) for seed in range(7)), (7, WIDE)])
def test_a_crash_is_hot_where_the_cars_meet_and_when(users: RoadUsers, seed: int, window: Window) -> None:
    features = clip_features()
    view = views.at_contact(CRASH, features, window, np.random.default_rng(seed))
    assert view.holds_contact(CRASH, features)
    shown = samples.sample(CRASH, features, users, view)
    assert float(shown.heat.sum()) == pytest.approx(1, abs=1e-4)
    at, row, column = np.unravel_index(int(shown.heat.argmax()), shown.heat.shape)
    assert view.start + at == CONTACT
    assert shown.covered[at, row, column] > 0
    assert shown.collided[at, row, column] > 0.5
    assert shown.struck[at].max() > 0.5
    moving_right = shown.motion[at - 1, 0].sum() > 0
    assert moving_right != view.flipped
    zoom = window.crop_px / view.side
    assert float(shown.flow[:, 0].mean()) == pytest.approx(-zoom if view.flipped else zoom, abs=1e-3)
    assert shown.flow[:, 1].abs().max() == 0


@pytest.mark.parametrize("seed", range(8))
def test_elsewhere_nothing_touches(users: RoadUsers, seed: int) -> None:
    features = clip_features()
    view = views.elsewhere(CRASH, features, users, SHORT, np.random.default_rng(seed))
    shown = samples.sample(CRASH, features, users, view)
    assert not view.holds_contact(CRASH, features)
    assert shown.heat.sum() == 0
    assert 0 <= view.left <= WIDTH - view.side
    assert 0 <= view.top <= HEIGHT - view.side


def test_a_crash_comes_with_the_same_view_of_its_counterfactual(users: RoadUsers) -> None:
    alike = clip_features()
    clips: list[TrueClip] = [CRASH, AVERTED]
    groups = groups_of(clips)
    assert [crops_of(*group) for group in groups] == [3, 1]
    features = {"crash": alike, "averted": alike}
    planned = planned_epoch(groups, features, {"crash": users}, SHORT, 4, seed=0, epoch=0)
    ((begun, batch),) = batches(planned, features, {"crash": users})
    ((crash, averted),) = batch.twins.tolist()
    assert begun == 0
    assert batch.labels.tolist().count(1.0) == 1
    assert (batch.labels[crash], batch.labels[averted]) == (1, 0)
    assert (batch.frames[crash] == batch.frames[averted]).all()
    assert (bool(batch.known[crash]), bool(batch.known[averted])) == (True, False)
    assert batch.frames.shape[1:] == (SHORT.frames, SHORT.crop_px, SHORT.crop_px)
    assert batch.motion.shape[1:] == (SHORT.frames, 4, SHORT.crop_px // CELL_PX, SHORT.crop_px // CELL_PX)


def test_batches_come_in_the_order_of_the_epoch_and_what_making_one_raises_is_raised(users: RoadUsers) -> None:
    groups, features = groups_of([CRASH, AVERTED] * 3), {"crash": clip_features(), "averted": clip_features(1)}

    def made(of: dict[str, Features], threads: int) -> list[Prepared]:
        planned = planned_epoch(groups, of, {"crash": users}, SHORT, 4, seed=0, epoch=0)
        return list(batches(planned, of, {"crash": users}, threads))

    first, again = made(features, 1), made(features, 3)
    shares = [begun for begun, _ in first]
    assert len(shares) > 2 and shares[0] == 0 and shares == sorted(set(shares))
    assert [share for share, _ in again] == shares
    assert all((one.frames == other.frames).all() for (_, one), (_, other) in zip(first, again, strict=True))
    assert sum(len(batch.frames) for _, batch in first) == sum(crops_of(*group) for group in groups)
    with pytest.raises(KeyError, match="averted"):
        made({"crash": features["crash"]}, 1)


def test_a_shorter_sample_is_not_hot_after_its_end(users: RoadUsers) -> None:
    features = clip_features()
    short = Features(
        features.frames[: CONTACT + 2], features.flow[: CONTACT + 2], features.background, TIMES_S[: CONTACT + 2]
    )
    rng = np.random.default_rng(0)
    one = samples.sample(CRASH, short, users, views.at_contact(CRASH, short, SHORT, rng))
    other = samples.sample(AVERTED, features, None, views.elsewhere(AVERTED, features, None, SHORT, rng))
    batch = samples.batch_of([one, other], [])
    assert batch.frames.shape[1] == SHORT.frames
    if len(one.frames) < SHORT.frames:
        assert batch.heat[0, len(one.frames) :].sum() == 0
    assert float(batch.heat[0].sum()) == pytest.approx(1, abs=1e-4)
    assert batch.twins.shape == (0, 2)
