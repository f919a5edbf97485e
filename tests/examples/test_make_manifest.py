"""The sample manifest and the script that writes it."""

import subprocess
import sys
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from its_core.clip import Geometry, Participant
from its_core.engines.engine import engine_module
from its_core.scenarios import manifest
from its_core.shards.first_frames import frame_makers
from its_core.taxonomy import (
    Aftermath,
    Colour,
    IncidentType,
    Light,
    ParticipantType,
    RoadLayout,
    Role,
    Weather,
)

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "examples" / "make_manifest.py"
QUICKSTART = ROOT / "datasets" / "quickstart" / "scenarios.parquet"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *arguments], capture_output=True, text=True, check=False)


def read(
    path: Path, allowed: Path, engine: str = "simulator"
) -> tuple[list[manifest.Scenario], list[manifest.Rejection]]:
    module = engine_module(engine)
    batches = list(
        manifest.read(
            str(path),
            base_folder=str(path.parent),
            allowed_inputs=[str(allowed)],
            input_cache=path.parent / "cache",
            engine_needs_input=module.TRAITS.needs_input,
            unsupported=module.unsupported,
            layout_of=module.layout_of,
            frame_makers=frame_makers(module.TRAITS, Geometry.of("480", 10), folder=None),
        )
    )
    return [s for batch in batches for s in batch.scenarios], [r for batch in batches for r in batch.rejections]


@pytest.fixture(scope="module")
def sample() -> list[manifest.Scenario]:
    scenarios, rejections = read(QUICKSTART, QUICKSTART.parent)
    assert rejections == []
    return scenarios


def test_the_sample_is_what_the_script_writes(tmp_path):
    path = tmp_path / "made.parquet"
    said = run("--output", str(path))
    assert said.returncode == 0 and "24 scenarios" in said.stdout
    assert pq.read_table(path).equals(pq.read_table(QUICKSTART))


def test_the_sample_is_one_that_the_simulator_can_render(sample):
    incidents = {each.scene.incident_type for each in sample}
    assert incidents > {incident for incident in IncidentType if incident.is_anomaly} - {IncidentType.VEHICLE_NEAR_MISS}
    assert sum(not incident.is_anomaly for incident in incidents) >= 5
    assert all(each.variants == 1 and each.prompt is None for each in sample)
    assert {each.scene.light for each in sample} == set(Light)
    assert {each.scene.weather for each in sample} == set(Weather)


def test_the_samples_splits_share_no_camera_and_no_pair(sample):
    assert Counter(each.split for each in sample) == {"train": 16, "val": 4, "test": 4}
    splits, layouts = defaultdict(set), defaultdict(set)
    for each in sample:
        splits[each.scene.camera_id].add(each.split)
        splits[each.pair_id or each.scenario_id].add(each.split)
        layouts[each.scene.camera_id].add(each.scene.road_layout)
    assert all(len(found) == 1 for found in [*splits.values(), *layouts.values()])
    pairs = defaultdict(list)
    for each in sample:
        if each.pair_id:
            pairs[each.pair_id].append((each.scene.camera_id, each.scene.incident_type.has_contact))
    ((first, second),) = pairs.values()
    assert first[0] == second[0] and {first[1], second[1]} == {True, False}


@pytest.mark.parametrize(
    ("incident", "layout", "cast", "aftermath"),
    [
        (
            IncidentType.INTERSECTION_COLLISION,
            RoadLayout.FOUR_WAY_INTERSECTION,
            [("sedan", "red", "at_fault"), ("suv", "white", "not_at_fault")],
            Aftermath.SPINS_OUT,
        ),
        (
            IncidentType.REAR_END_COLLISION,
            RoadLayout.HIGHWAY,
            [("sedan", "black", "at_fault"), ("pickup", "silver", "not_at_fault")],
            Aftermath.PUSHED_FORWARD,
        ),
        (
            IncidentType.PEDESTRIAN_NEAR_MISS,
            RoadLayout.URBAN_STREET,
            [("van", "white", "at_fault"), *[("pedestrian", None, "not_at_fault")] * 2],
            Aftermath.DRIVES_ON,
        ),
    ],
)
def test_the_sample_holds_the_three_incidents(sample, incident, layout, cast, aftermath):
    participants = tuple(Participant(ParticipantType(t), Colour(c) if c else None, Role(r)) for t, c, r in cast)
    scenes = [each.scene for each in sample]
    assert [
        s
        for s in scenes
        if (s.incident_type, s.road_layout, s.participants, s.aftermath) == (incident, layout, participants, aftermath)
    ]


def test_an_unknown_column_passes_through(sample):
    assert {each.extra["site_note"] for each in sample} >= {None, "overhead gantry, north side"}


def test_frames_of_ones_own_make_a_manifest(tmp_path):
    frames = tmp_path / "mine" / "frames"
    frames.mkdir(parents=True)
    Image.fromarray(np.zeros((90, 160, 3), np.uint8)).save(frames / "North gate (1).png")
    (frames / "notes.txt").write_text("not a frame")
    path = tmp_path / "mine" / "scenarios.parquet"
    said = run("--frames", str(frames), "--output", str(path))
    assert said.returncode == 0 and "not used: notes.txt" in said.stdout
    scenarios, rejections = read(path, path.parent, "cosmos")
    assert rejections == []
    assert [(s.scenario_id, s.scene.camera_id, s.pair_id, s.input_image) for s in scenarios] == [
        (f"North-gate-1--{kind}", "North-gate-1-", "North-gate-1-", "frames/North gate (1).png")
        for kind in ("rear-end", "normal")
    ]
    elsewhere = tmp_path / "elsewhere" / "scenarios.parquet"
    assert run("--frames", str(frames), "--output", str(elsewhere)).returncode == 0
    assert len(read(elsewhere, frames, "cosmos")[0]) == 2
    assert read(elsewhere, elsewhere.parent, "cosmos")[1][0].code == "input.outside"


def test_the_script_says_what_it_lacks(tmp_path):
    assert "--frames needs an --output of its own" in run("--frames", str(tmp_path)).stderr
    said = run("--frames", str(tmp_path), "--output", str(tmp_path / "m.parquet"))
    assert said.returncode == 2 and f"in {tmp_path}" in said.stderr


def test_simulated_cameras_make_a_manifest_of_pairs(tmp_path):
    path = tmp_path / "scenarios.parquet"
    assert run("--simulated-cameras", "4", "--output", str(path)).returncode == 0
    scenarios, rejections = read(path, path.parent, "cosmos")
    assert rejections == []
    assert len(scenarios) == 8
    assert {each.input_image for each in scenarios} == {"simulator"}
    assert {Counter(each.scene.camera_id for each in scenarios)[f"simulated-00{n}"] for n in (1, 2, 3, 4)} == {2}
