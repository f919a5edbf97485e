from __future__ import annotations

import dataclasses
import hashlib
import itertools
import subprocess
import sys

import numpy as np
import pytest
from pydantic import ValidationError

from its_core.clip import ClipRequest, Geometry, Outcome, Participant, Scene
from its_core.engines.engine import EngineFailure
from its_core.engines.simulator import engine as module
from its_core.engines.simulator.options import VERSION
from its_core.taxonomy import Aftermath, Colour, IncidentType, Light, ParticipantType, RoadLayout, Role, Weather

pytestmark = pytest.mark.slow

SMALL = Geometry(320, 176, 16, 93)
CRASH = Scene(
    "cam_01",
    IncidentType.INTERSECTION_COLLISION,
    participants=(
        Participant(ParticipantType.SEDAN, Colour.RED, Role.AT_FAULT),
        Participant(ParticipantType.SUV, Colour.WHITE, Role.NOT_AT_FAULT),
    ),
    weather=Weather.CLEAR,
    light=Light.DAY,
)


def request(scene: Scene, seed: int = 1, geometry: Geometry = SMALL) -> ClipRequest:
    return ClipRequest("clip", "row", 0, seed, "a prompt", "", 7.0, geometry, scene)


@pytest.fixture(scope="module")
def engine():
    made = module.load(module.parse_options({}, "480", 16))
    yield made
    made.close()


@pytest.fixture(scope="module")
def crash(engine):
    clip = engine.generate(request(CRASH))
    before = clip.annotations
    frames = list(clip.frames)
    return before, clip, frames


def test_frames_come_one_by_one_and_the_truth_with_the_last(crash):
    before, clip, frames = crash
    assert before is None
    assert len(frames) == SMALL.frames
    assert {(frame.shape, frame.dtype.name) for frame in frames} == {((176, 320, 3), "uint8")}
    assert clip.annotations is not None
    assert (clip.annotations.frames, clip.annotations.fps) == (93, 16)


def test_annotations_say_when_and_where(crash):
    _, clip, _ = crash
    truth = clip.annotations
    assert truth.source == "simulated"
    assert truth.accident_frame == int(np.ceil(truth.accident_time_s * 16 - 1e-6))
    assert 0.10 * 93 <= truth.accident_frame <= 0.90 * 93
    assert truth.anomaly_start < truth.accident_frame < truth.anomaly_end <= 93
    x, y = truth.impact_point
    x1, y1, x2, y2 = truth.impact_box
    assert 0 <= x1 < x2 <= 320 and 0 <= y1 < y2 <= 176
    assert x1 - 3 <= x <= x2 + 3 and y1 - 3 <= y <= y2 + 3
    roles = {track.track_id: track.role for track in truth.tracks}
    assert {roles[number] for number in truth.contacts[0].tracks} == {"at_fault", "not_at_fault"}
    assert truth.contacts[0].impulse_ns > 1000
    assert max(truth.contacts[0].delta_v_kmh) <= truth.delta_v_kmh + 1e-6


def test_annotations_say_what_happened_and_why(crash):
    _, clip, _ = crash
    truth = clip.annotations
    assert truth.collision_type == "t-bone"
    assert truth.cause in {"red_light_running", "left_turn_across_path"}
    assert truth.severity in {"minor", "moderate", "severe"}
    assert truth.rollover in {True, False}
    assert truth.aftermaths
    assert [phase.name for phase in truth.phases] == ["before", "conflict", "impact", "after"]
    assert (truth.phases[0].start, truth.phases[-1].end) == (0, 93)
    assert all(a.end == b.start for a, b in itertools.pairwise(truth.phases))
    assert truth.phases[2].start == truth.accident_frame
    heads = truth.signals
    assert len(heads) >= 4 and all(head.changes[0][0] == 0 and head.lanes for head in heads[:1])


def test_tracks_say_how_everybody_drives(crash):
    _, clip, _ = crash
    truth = clip.annotations
    driving = [track for track in truth.tracks if track.type != "pedestrian" and not track.parked]
    assert {frame.indicator for track in driving for frame in track.frames} <= {"off", "left", "right", "hazard"}
    assert all(track.size_m is not None and track.mass_kg for track in truth.tracks)
    culprit = next(track for track in truth.tracks if track.role == "at_fault")
    assert min(frame.ttc_s for frame in culprit.frames if frame.ttc_s is not None) < 0.5
    for frame in culprit.frames[::20]:
        assert np.hypot(*frame.velocity_mps[:2]) == pytest.approx(frame.speed_mps, abs=1e-3)


def test_tracks_follow_the_participants(crash):
    _, clip, _ = crash
    by_role = {track.role: track for track in clip.annotations.tracks}
    first, second = by_role["at_fault"], by_role["not_at_fault"]
    assert (first.type, first.colour, first.role) == ("sedan", "red", "at_fault")
    assert (second.type, second.colour, second.role) == ("suv", "white", "not_at_fault")
    for track in clip.annotations.tracks:
        assert [frame.frame for frame in track.frames] == list(range(93))
    there = first.frames[clip.annotations.accident_frame]
    assert there.visible_box is not None and there.occlusion < 0.9
    assert all(low <= high + 1 for low, high in zip(there.amodal_box[:2], there.visible_box[:2], strict=True))


def test_positions_project_into_the_boxes_by_the_published_camera(crash):
    _, clip, _ = crash
    camera = clip.annotations.camera
    matrix = np.array(camera.intrinsics) @ np.array(camera.world_to_camera)[:3]
    checked = 0
    for track in clip.annotations.tracks:
        for frame in track.frames[::10]:
            if frame.visible_box is None or frame.amodal_box is None:
                continue
            x, y, z = frame.position_m
            u, v, w = matrix @ np.array([x, y, z + 0.3, 1.0])  # in whatever lies there, too
            x1, y1, x2, y2 = frame.amodal_box
            assert x1 - 1 <= u / w <= x2 + 1 and y1 - 1 <= v / w <= y2 + 1
            checked += 1
    assert checked > 10


def test_the_record_says_what_really_ran(crash):
    _, clip, _ = crash
    record = clip.record
    assert record["engine"] == "simulator" and record["version"] == VERSION
    assert record["seed_asked"] == 1
    assert record["attempts"][-1] == {"seed": record["seed_used"], "failed": None}
    assert record["road_layout"] == "four_way_intersection"
    assert (record["weather"], record["light"]) == ("clear", "day")
    assert record["weights"] is None and "no generative model" in record["guardrail"]


def test_the_same_request_gives_the_same_bytes_after_other_clips(engine, crash):
    other = Scene("cam_02", IncidentType.NORMAL_TRAFFIC, road_layout=RoadLayout.HIGHWAY)
    for _ in zip(range(3), engine.generate(request(other, 4)).frames, strict=False):
        pass
    again = engine.generate(dataclasses.replace(request(CRASH), prompt="another prompt"))
    digest = hashlib.sha256(b"".join(frame.tobytes() for frame in again.frames)).hexdigest()
    assert digest == hashlib.sha256(b"".join(frame.tobytes() for frame in crash[2])).hexdigest()
    assert again.annotations == crash[1].annotations


def test_normal_traffic_has_no_accident(engine):
    scene = Scene("cam_03", IncidentType.NORMAL_TRAFFIC, road_layout=RoadLayout.URBAN_STREET)
    clip = engine.generate(request(scene, 2))
    assert sum(1 for _ in clip.frames) == 93
    truth = clip.annotations
    assert truth.contacts == [] and truth.tracks
    assert truth.accident_frame is truth.accident_time_s is truth.impact_point is truth.impact_box is None
    assert truth.anomaly_start is truth.anomaly_end is None


def test_a_scene_it_refuses_ends_as_rejected_input(engine):
    with pytest.raises(EngineFailure, match="'highway'") as failure:
        engine.generate(request(dataclasses.replace(CRASH, road_layout=RoadLayout.HIGHWAY)))
    assert failure.value.outcome is Outcome.REJECTED_INPUT


def test_an_incident_that_never_happens_is_final_and_says_why():
    # In a clip of three tenths of a second nobody comes to rest after a crash.
    asked = request(dataclasses.replace(CRASH, aftermath=Aftermath.VEHICLES_STOP), 1, Geometry(320, 176, 16, 5))
    hasty = module.load(module.parse_options({"attempts": 2}, "480", 16))
    with pytest.raises(EngineFailure, match=r"did not happen in 2 tries") as failure:
        hasty.generate(asked)
    assert failure.value.outcome is Outcome.INCIDENT_NOT_FOUND
    assert not failure.value.outcome.can_be_retried


def test_options_are_checked_and_named():
    assert module.parse_options({"attempts": 3}, "720", 10).attempts == 3
    with pytest.raises(ValidationError, match="attempts"):
        module.parse_options({"attempts": 0}, "720", 16)
    with pytest.raises(ValidationError, match="atempts"):
        module.parse_options({"atempts": 3}, "720", 16)


def test_identity_reads_the_scene_alone():
    identity = module.identity(module.parse_options({}, "720", 16))
    assert (identity.name, identity.version, identity.weights_sha256) == ("simulator", VERSION, None)
    assert identity.reads == {"scene"}
    assert identity.settings == {"attempts": 12, "truth": [], "controls": []}


def test_an_input_image_is_welcome_and_a_bad_scene_is_not():
    assert module.unsupported(CRASH, has_input=True) is None
    no = module.unsupported(dataclasses.replace(CRASH, road_layout=RoadLayout.HIGHWAY), has_input=False)
    assert (no.column, no.value) == ("road_layout", "highway")


def test_importing_the_module_loads_no_panda3d():
    code = "import sys, its_core.engines.simulator.engine; print(any(n.startswith('panda3d') for n in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
