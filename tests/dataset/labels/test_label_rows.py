"""Labels: values in the words of the published sets, each with its source, and null where nobody knows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from its_core.annotations import Annotations, AnnotationSummary
from its_core.clip import Scene
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.labels.label_rows import COLUMNS, LABELS, row
from its_core.dataset.publish import Published, publish
from its_core.observed import record
from its_core.observed.record import Agreement, Observation, ObservedEvent
from its_core.taxonomy import Aftermath, CollisionType, IncidentType, Light, RoadLayout, Weather
from tests.dataset import samples

SIMULATED = {"source": "simulated", "confidence": 1.0}
REQUESTED = {"source": "requested", "confidence": None}


def observe(clip: FinishedClip, agreement: list[Agreement] | None = None) -> None:
    event = ObservedEvent(
        frame=4, time_s=0.25, score=0.6, point_px=(32.0, 24.0), box=(16.0, 12.0, 48.0, 36.0), tracks=(1, 2)
    )
    sha256 = clip.receipt.clip_sha256 or ""
    observation = Observation(
        clip_sha256=sha256, made_with={}, fps=16, frames=9, tracks=[], event=event, agreement=agreement
    )
    record.write(clip.files.detections, observation)


def test_what_a_detector_saw_where_nothing_else_is_known(tmp_path: Path) -> None:
    clip = samples.finished(tmp_path, 7)
    observe(clip)

    found = row(clip, samples.COSMOS)

    assert {name: found[name] for name in ("accident_frame", "accident_time", "time_of_event")} == {
        "accident_frame": 4,
        "accident_time": 0.25,
        "time_of_event": 0.25,
    }
    assert [found[name] for name in ("center_x", "center_y", "x1", "y1", "x2", "y2")] == [
        0.5, 0.5, 0.25, 0.25, 0.75, 0.75
    ]  # fmt: skip
    assert found["sources"]["accident_frame"] == {"source": "detected", "confidence": 0.6}
    assert found["sources"]["incident_type"] == REQUESTED
    assert found["annotations_path"] is None


def test_what_a_detector_saw_is_no_label_of_normal_traffic_nor_beside_the_truth(tmp_path: Path) -> None:
    quiet = samples.finished(tmp_path, 7, scene=Scene("cam", IncidentType.NORMAL_TRAFFIC))
    known = samples.finished(tmp_path, 8, samples.truth())
    for clip in (quiet, known):
        observe(clip)

    assert row(quiet, samples.COSMOS)["accident_frame"] is None
    assert row(known, samples.SIMULATOR)["sources"]["accident_frame"] == SIMULATED


def test_what_a_detector_saw_is_published_with_its_agreement_by_size(tmp_path: Path) -> None:
    clips = [samples.finished(tmp_path, 7, samples.truth()), samples.finished(tmp_path, 8, samples.truth())]
    for clip in clips:
        observe(clip, [Agreement(size="small", true_boxes=27, found=9, false=2)])

    dataset = samples.dataset(tmp_path / "published")
    folder = Path(publish(clips, dataset, samples.rejected(tmp_path), samples.run_of(tmp_path), tmp_path).url)

    for clip in clips:
        beside = folder / "beside" / clip.clip_id[:2] / f"{clip.clip_id}.detections.json.gz"
        assert record.read(beside).event == record.read(clip.files.detections).event
    assert json.loads((folder / "report" / "agreement.json").read_text()) == [
        {"size": "small", "true_boxes": 54, "found": 18, "false": 4},
        {"size": "medium", "true_boxes": 0, "found": 0, "false": 0},
        {"size": "large", "true_boxes": 0, "found": 0, "false": 0},
    ]


def test_what_the_simulation_knows(clips: list[FinishedClip]) -> None:
    found = row(clips[0], samples.SIMULATOR)

    assert {name: found[name] for name in ("accident_frame", "accident_time", "time_of_event", "time_of_alert")} == {
        "accident_frame": 4,
        "accident_time": 0.24,
        "time_of_event": 0.24,
        "time_of_alert": 2 / 16,
    }
    assert (found["anomaly_start"], found["anomaly_end"]) == (2, 8)
    assert (found["anomaly_start_time"], found["anomaly_end_time"]) == (2 / 16, 8 / 16)
    assert (found["center_x"], found["center_y"]) == (0.5, 0.5)
    assert [found[name] for name in ("x1", "y1", "x2", "y2")] == [0.25, round(20 / 48, 6), 0.75, round(32 / 48, 6)]
    assert [each["type"] for each in found["participants"]] == ["sedan", "suv"]
    assert (found["type"], found["accident_class"]) == ("rear-end", "other: moving_ahead_or_waiting")
    assert (found["ego_involve"], found["rollover"]) == (False, None)
    assert found["sources"]["accident_frame"] == SIMULATED
    assert found["annotations_path"] == f"annotations/{clips[0].clip_id[:2]}/{clips[0].clip_id}.json.gz"


def test_what_the_engine_says_it_showed_goes_before_what_was_asked(clips: list[FinishedClip]) -> None:
    found = row(clips[0], samples.SIMULATOR)

    assert (found["weather_condition"], found["weather"]) == ("overcast", "normal")  # asked: clear
    assert found["sources"]["weather_condition"] == found["sources"]["weather"] == SIMULATED
    assert (found["road_surface"], found["sources"]["road_surface"]) == ("wet", SIMULATED)
    assert (found["light"], found["day_time"]) == ("dusk", "day")
    assert found["sources"]["light"] == REQUESTED


def test_nothing_is_observed_where_an_engine_has_no_truth(tmp_path: Path) -> None:
    found = row(samples.finished(tmp_path, 0), samples.COSMOS)

    unknown = ("accident_frame", "accident_time", "anomaly_start", "center_x", "x1", "rollover", "annotations_path")
    assert [found[name] for name in unknown] == [None] * len(unknown)
    assert {found["sources"][name] and found["sources"][name]["source"] for name in LABELS} == {None, "requested"}
    assert (found["incident_type"], found["type"]) == ("rear_end_collision", "rear-end")
    assert found["participants"] == [{"type": "sedan", "colour": "red", "role": "at_fault"}]
    assert (found["engine"], found["weights_sha256"]) == ("cosmos", "ab" * 32)


def test_normal_traffic_has_no_accident(clips: list[FinishedClip]) -> None:
    found = row(clips[3], samples.SIMULATOR)

    assert [found[name] for name in ("type", "accident_class", "accident_frame", "anomaly_start")] == [None] * 4
    assert (found["incident_type"], found["rollover"], found["participants"][0]["type"]) == (
        "normal_traffic",
        False,
        "sedan",
    )


def test_a_label_has_a_source_exactly_when_it_has_a_value(clips: list[FinishedClip]) -> None:
    for clip in clips:
        found = row(clip, samples.SIMULATOR)
        assert all((found[name] is None) == (found["sources"][name] is None) for name in LABELS)


@pytest.mark.parametrize(
    ("incident", "collision", "type_", "accident_class"),
    [
        (IncidentType.INTERSECTION_COLLISION, None, "t-bone", "other: turning"),
        (IncidentType.INTERSECTION_COLLISION, CollisionType.HEAD_ON, "head-on", "other: oncoming"),
        (IncidentType.SIDESWIPE_COLLISION, None, "sideswipe", "other: lateral"),
        (IncidentType.SINGLE_VEHICLE_CRASH, None, "single", "other: unknown"),
        (IncidentType.PEDESTRIAN_COLLISION, None, None, "other: pedestrian"),
        (IncidentType.PEDESTRIAN_NEAR_MISS, None, None, None),
        (None, None, None, None),
    ],
)
def test_words_for_the_crash(
    tmp_path: Path,
    incident: IncidentType | None,
    collision: CollisionType | None,
    type_: str | None,
    accident_class: str | None,
) -> None:
    scene = Scene("cam", incident, collision)

    found = row(samples.finished(tmp_path, 0, scene=scene), samples.COSMOS)

    assert (found["type"], found["accident_class"]) == (type_, accident_class)


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        (Scene("c", weather=Weather.FOG, light=Light.NIGHT), {"weather": "fog", "day_time": "night"}),
        (Scene("c", weather=Weather.OVERCAST, light=Light.DAY), {"weather": "normal", "day_time": "day"}),
        (Scene("c", road_layout=RoadLayout.FOUR_WAY_INTERSECTION), {"scene_layout": "signalized_intersection"}),
        (Scene("c", road_layout=RoadLayout.URBAN_STREET), {"scene_layout": "city_street"}),
        (Scene("c"), {"weather": None, "day_time": None, "scene_layout": None}),
    ],
)
def test_words_for_the_scene(tmp_path: Path, scene: Scene, expected: dict[str, str | None]) -> None:
    found = row(samples.finished(tmp_path, 0, scene=scene), samples.COSMOS)

    assert {name: found[name] for name in expected} == expected


def test_an_impact_outside_the_frame_has_no_place(tmp_path: Path) -> None:
    truth = samples.truth().model_copy(update={"impact_point": None, "impact_box": None})

    found = row(samples.finished(tmp_path, 0, truth), samples.SIMULATOR)

    assert [found[name] for name in ("center_x", "center_y", "x1")] == [None, None, None]
    assert found["accident_frame"] == 4


def test_every_column_is_described_in_the_file(published: Published) -> None:
    schema = pq.read_schema(Path(published.url, "train", "metadata.parquet"))

    assert schema.names[0] == "file_name"
    assert set(schema.names) == {column.name for column in COLUMNS} | {"sources", "site", "lanes"}
    assert all((schema.field(name).metadata or {}).get(b"description") for name in schema.names)
    assert b"half-open" in schema.field("anomaly_end").metadata[b"description"]


def test_columns_of_the_manifest_keep_their_types(published: Published) -> None:
    rows = pq.read_table(Path(published.url, "train", "metadata.parquet")).to_pylist()

    assert [(each["site"], each["lanes"]) for each in rows] == [("site 0", None), ("site 1", 3)]


def test_the_summary_is_of_the_annotations(clips: list[FinishedClip]) -> None:
    whole, summary = clips[0].annotations(), clips[0].annotation_summary()

    assert whole is not None
    assert summary == AnnotationSummary.model_validate(whole.model_dump())
    assert summary is not None and not hasattr(summary.tracks[0], "frames")
    assert set(Annotations.model_fields) - set(AnnotationSummary.model_fields) == {"signals"}


def test_a_scene_with_a_collision_of_its_own(tmp_path: Path) -> None:
    clip = samples.finished(tmp_path, 0, samples.truth(), scene=samples.asked_for(CollisionType.SIDESWIPE))

    found = row(replace(clip), samples.SIMULATOR)

    assert (found["type"], found["sources"]["type"]) == ("sideswipe", REQUESTED)


def test_naming_what_the_simulator_verified_changes_no_source(tmp_path: Path) -> None:
    """The crash is the same whether or not the row names its kind and what follows."""
    scene = replace(samples.asked_for(CollisionType.REAR_END), aftermath=Aftermath.VEHICLES_STOP)
    truth = samples.truth().model_copy(update={"aftermaths": ["vehicles_stop", "pushed_forward"]})

    named = row(samples.finished(tmp_path, 0, truth, scene=scene), samples.SIMULATOR)
    unnamed = row(samples.finished(tmp_path, 0, truth), samples.SIMULATOR)
    cosmos = row(samples.finished(tmp_path / "cosmos", 0, scene=scene), samples.COSMOS)

    for found in (named, unnamed):
        assert (found["type"], found["sources"]["type"]) == ("rear-end", SIMULATED)
        assert (found["aftermath"], found["sources"]["aftermath"]) == ("vehicles_stop", SIMULATED)
    assert (cosmos["sources"]["type"], cosmos["sources"]["aftermath"]) == (REQUESTED, REQUESTED)


def test_what_the_annotations_know_of_the_crash(tmp_path: Path) -> None:
    known = {"collision_type": "sideswipe", "cause": "inattention", "severity": "severe", "delta_v_kmh": 41.5}
    truth = samples.truth().model_copy(update=known | {"rollover": False, "quality": "Very_Poor"})

    found = row(samples.finished(tmp_path, 0, truth), samples.SIMULATOR)

    assert (found["type"], found["accident_class"]) == ("sideswipe", "other: lateral")
    expected = {"cause": "inattention", "severity": "severe", "delta_v_kmh": 41.5, "rollover": False}
    assert {name: found[name] for name in expected} == expected
    assert (found["quality"], found["sources"]["quality"]) == ("Very_Poor", SIMULATED)
