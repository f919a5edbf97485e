from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.incidents.catalogue import staged
from its_core.engines.simulator.options import VERSION
from its_core.engines.simulator.simulation.run import Run, simulate
from its_core.engines.simulator.trace import Trace, forward
from its_core.taxonomy import IncidentType, RoadLayout, TrafficDensity

RunScene = Callable[[Scene, int], Run]
CRASHES = [
    Scene("cam_01", IncidentType.INTERSECTION_COLLISION, road_layout=RoadLayout.FOUR_WAY_INTERSECTION),
    Scene("cam_02", IncidentType.REAR_END_COLLISION, road_layout=RoadLayout.HIGHWAY),
    Scene("cam_03", IncidentType.REAR_END_COLLISION, road_layout=RoadLayout.URBAN_STREET),
]
OTHERS = [
    Scene("cam_04", IncidentType.PEDESTRIAN_NEAR_MISS, road_layout=RoadLayout.URBAN_STREET),
    Scene("cam_05", IncidentType.NORMAL_TRAFFIC, road_layout=RoadLayout.FOUR_WAY_INTERSECTION),
    Scene("cam_06", IncidentType.NORMAL_TRAFFIC, road_layout=RoadLayout.HIGHWAY),
]
SEEDS = (1, 2)
PINNED_AT = "2"
PINNED_CONTACT_S = 3.1417
# Frame and actor to x and y, metres.
PINNED_POSITIONS = {
    (0, 0): (47.94, 5.25),
    (40, 0): (8.88, 5.25),
    (40, 1): (-1.71, 15.42),
    (92, 0): (-16.28, 3.98),
    (92, 1): (-3.57, 5.13),
}


@pytest.fixture(
    params=[(scene, seed) for scene in CRASHES + OTHERS for seed in SEEDS], ids=lambda p: f"{p[0].camera_id}-{p[1]}"
)
def run(request, run_scene: RunScene) -> Run:
    return run_scene(*request.param)


def vehicles(run: Run) -> range:
    return range(len(run.paths))


def overlap_m(trace: Trace, frame: int, a: int, b: int) -> float:
    """How deep two cars' rectangles are in each other, by separating axes; negative when apart."""
    half = [
        np.array([VEHICLES[trace.actors[i].type].length_m, VEHICLES[trace.actors[i].type].width_m]) / 2 for i in (a, b)
    ]
    axes = []
    for i in (a, b):
        ahead = forward(trace, frame, i)
        axes.append(np.array([ahead, [-ahead[1], ahead[0]]]))
    between = trace.positions[frame, b, :2] - trace.positions[frame, a, :2]
    depth = [
        sum(float(np.abs(axes[i] @ axis) @ half[i]) for i in (0, 1)) - abs(float(between @ axis))
        for axis in np.concatenate(axes)
    ]
    return min(depth)


def test_nobody_jumps_sinks_or_flies(run):
    trace = run.trace
    steps = np.linalg.norm(np.diff(trace.positions[..., :2], axis=0), axis=-1)
    limits = np.maximum(trace.speeds[:-1], trace.speeds[1:]) / trace.fps + 0.06
    assert (steps <= limits).all()
    heights = trace.positions[:, : len(run.paths), 2]
    assert heights.min() > -0.15 and heights.max() < 0.5


def test_nobody_accelerates_like_a_toy(run):
    """Cars pull away and brake within what tyres give, but for the blow itself."""
    trace = run.trace
    hit = {track - 1 for contact in trace.contacts for track in contact.tracks}
    for number in set(vehicles(run)) - hit:
        change = np.diff(trace.speeds[:, number]) * trace.fps
        assert change.max() < 4.0 and change.min() > -9.0


def test_bodies_do_not_enter_one_another(run):
    trace = run.trace
    for frame in range(0, len(trace.positions), 3):
        for a in vehicles(run):
            for b in range(a):
                if np.hypot(*(trace.positions[frame, a, :2] - trace.positions[frame, b, :2])) < 6.0:
                    assert overlap_m(trace, frame, a, b) < 0.25, (frame, a, b)


def test_cars_keep_their_lane_until_they_are_hit(run):
    trace = run.trace
    first = trace.contacts[0].frame if trace.contacts else len(trace.positions)
    calm = [i for i in vehicles(run) if run.staging.vehicles[i].intent.swerve is None]
    assert np.abs(run.asides[:first, calm]).max() < 0.7


def test_wrecks_come_to_rest_and_stay(run):
    trace = run.trace
    for contact in trace.contacts:
        for track in contact.tracks:
            rest = np.flatnonzero(trace.speeds[:, track - 1] > 0.3)[-1] + 1
            after = trace.positions[rest:, track - 1]
            assert len(after) == 0 or np.ptp(after, axis=0).max() < 0.06


def test_a_blow_dents_both_cars_where_they_met(run):
    trace = run.trace
    if not trace.contacts:
        assert trace.dents == ()
        return
    for number in (0, 1):
        dent = next(dent for dent in trace.dents if dent.track_id == number + 1)
        body = VEHICLES[trace.actors[number].type]
        x, y, z = dent.point_m
        assert max(abs(x) / (body.width_m / 2), abs(y) / (body.length_m / 2)) > 0.7
        assert 0.2 < z < body.belt_m + 0.1
        assert np.linalg.norm(dent.direction) == pytest.approx(1.0)
        assert 0.03 < dent.depth_m < 0.45
        assert dent.direction[0] * x + dent.direction[1] * y < 0  # inwards
        assert dent.frame == trace.contacts[0].frame


def test_wheels_turn_as_far_as_the_car_rolls(run):
    trace = run.trace
    for number in vehicles(run):
        if any(number + 1 in contact.tracks for contact in trace.contacts):
            continue
        rolled = (trace.spin[-1, number] - trace.spin[0, number]) * VEHICLES[trace.actors[number].type].wheel_radius_m
        assert rolled == pytest.approx(run.arcs[-1, number] - run.arcs[0, number], abs=0.9)


def test_ten_frames_a_second_see_the_same_incident(setting_of):
    scene = CRASHES[0]
    slow = Geometry.of("480", 10)
    run = simulate(staged(setting_of(scene, 1, slow)), slow)
    assert run.trace.positions.shape[0] == slow.frames
    assert run.trace.contacts[0].frame == np.ceil(run.trace.contacts[0].time_s * 10)


_FINGERPRINT = """
import hashlib
from its_core.clip import Scene
from its_core.taxonomy import IncidentType, RoadLayout
import importlib.util, sys
spec = importlib.util.spec_from_file_location("conftest", sys.argv[1])
conftest = importlib.util.module_from_spec(spec)
spec.loader.exec_module(conftest)
scene = Scene("cam_01", IncidentType.INTERSECTION_COLLISION, road_layout=RoadLayout.FOUR_WAY_INTERSECTION)
trace = conftest._run(scene, 1).trace
print(hashlib.sha256(b"".join(a.tobytes() for a in (trace.positions, trace.rotations, trace.suspension))).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_in_another_process_and_after_other_runs(run_scene, setting_of, request):
    import hashlib

    run_scene(CRASHES[1], 1)
    trace = simulate(staged(setting_of(CRASHES[0], 1)), Geometry.of("480", 16)).trace
    here = hashlib.sha256(
        b"".join(array.tobytes() for array in (trace.positions, trace.rotations, trace.suspension))
    ).hexdigest()
    conftest = request.path.parents[1] / "conftest.py"
    environment = {"PYTHONHASHSEED": "7", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", _FINGERPRINT, str(conftest)], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == here


def test_denser_traffic_means_more_actors(run_scene):
    sparse, dense = (
        run_scene(
            Scene("cam_05", IncidentType.NORMAL_TRAFFIC, road_layout=RoadLayout.URBAN_STREET, traffic_density=density),
            1,
        )
        for density in (TrafficDensity.LOW, TrafficDensity.HIGH)
    )
    assert len(dense.trace.actors) >= len(sparse.trace.actors) + 6


def test_a_pinned_scenario_still_runs_as_it_did(run_scene):
    trace = run_scene(CRASHES[0], 1).trace
    told = (
        "the simulator's clips have changed: if that is meant, raise VERSION in options.py and pin the new values here"
    )
    assert VERSION == PINNED_AT, told
    assert trace.contacts[0].time_s == pytest.approx(PINNED_CONTACT_S, abs=0.02), told
    for (frame, number), expected in PINNED_POSITIONS.items():
        assert trace.positions[frame, number, :2] == pytest.approx(expected, abs=0.1), told
