"""Each format, read back by a library of its ecosystem: boxes, times, classes and counts survive."""

from __future__ import annotations

import csv
import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

os.environ["HF_HUB_OFFLINE"] = "1"  # read when the library is imported

import mlcroissant
import openlabel_checker.core
import pandas as pd
import pytest
import supervision
import webdataset
import yaml
from pycocotools.coco import COCO

import datasets
from its_core.dataset import reader
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.formats.source import CLASSES
from tests.dataset import samples

Exported = Callable[[str], Path]
FRAMES = samples.GEOMETRY.frames
WIDTH, HEIGHT = samples.GEOMETRY.width_px, samples.GEOMETRY.height_px
# Of samples.truth(): three tracks, visible in every frame.
TRACKS = {1: ("sedan", 16.0), 2: ("suv", 32.0), 3: ("van", 48.0)}


def test_huggingface_reads_flat_columns_and_streams(
    exported: Exported, tmp_path: Path, clips: list[FinishedClip]
) -> None:
    folder = str(exported("huggingface"))

    loaded = datasets.load_dataset(folder, cache_dir=str(tmp_path)).cast_column("video", datasets.Video(decode=False))

    assert {name: split.num_rows for name, split in loaded.items()} == {"train": 2, "val": 1, "test": 1}
    first = loaded["train"][0]
    assert (first["accident_frame"], first["accident_frame_source"]) == (4, "simulated")
    assert json.loads(first["participants"])[0] == {"type": "sedan", "colour": "red", "role": "at_fault"}
    assert Path(first["video"]["path"]).read_bytes() == clips[0].files.video.read_bytes()

    streamed = datasets.load_dataset(folder, split="train", streaming=True)
    streamed = streamed.cast_column("video", datasets.Video(decode=False))
    assert [row["clip_id"] for row in streamed] == [clips[0].clip_id, clips[1].clip_id]


def test_pycocotools_reads_videos_tracks_and_boxes(exported: Exported, clips: list[FinishedClip]) -> None:
    coco = COCO(str(exported("coco") / "annotations" / "train.json"))

    assert len(coco.getImgIds()) == 2 * FRAMES
    assert [each["name"] for each in coco.loadCats(coco.getCatIds())] == list(CLASSES)
    video = coco.dataset["videos"][0]
    assert (video["name"], video["length"], video["accident_frame"]) == (clips[0].clip_id, FRAMES, 4)
    image = next(
        each for each in coco.dataset["images"] if each["video_id"] == video["id"] and each["frame_index"] == 4
    )
    found = coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]]))
    assert {coco.loadCats([each["category_id"]])[0]["name"]: each["bbox"] for each in found} == {
        name: [x, 20.0, 16.0, 12.0] for name, x in TRACKS.values()
    }
    tracks = {each["id"]: each["number"] for each in coco.dataset["tracks"]}
    assert sorted(tracks[each["track_id"]] for each in found) == [1, 2, 3]
    assert (exported("coco") / image["file_name"]).stat().st_ino  # the clip is there


def test_supervision_reads_yolo(exported: Exported, clips: list[FinishedClip]) -> None:
    folder = exported("yolo")
    data = yaml.safe_load((folder / "data.yaml").read_text())
    assert data["names"] == list(CLASSES)
    assert {split: data[split] for split in ("train", "val", "test")} == {
        split: f"images/{split}" for split in ("train", "val", "test")
    }

    read = supervision.DetectionDataset.from_yolo(
        str(folder / data["train"]), str(folder / "labels" / "train"), str(folder / "data.yaml")
    )

    assert len(read) == 2 * FRAMES
    path = str(folder / "images" / "train" / f"{clips[0].clip_id}_000004.jpg")
    _, picture, detections = next(entry for entry in read if entry[0] == path)
    assert picture.shape[:2] == (HEIGHT, WIDTH)
    found = {CLASSES[number]: box for number, box in zip(detections.class_id, detections.xyxy, strict=True)}
    for name, x in TRACKS.values():
        assert found[name] == pytest.approx([x, 20, x + 16, 32], abs=0.01)


def test_webdataset_reads_clips_labels_and_annotations(exported: Exported, clips: list[FinishedClip]) -> None:
    shards = sorted(str(path) for path in exported("webdataset").glob("train-*.tar"))

    found = list(webdataset.WebDataset(shards, shardshuffle=False).decode())

    assert [sample["__key__"] for sample in found] == [clips[0].clip_id, clips[1].clip_id]
    assert found[0]["mp4"] == clips[0].files.video.read_bytes()
    assert found[0]["json"]["accident_frame"] == 4
    assert found[0]["annotations.json"] == samples.truth().model_dump(mode="json")


def test_accident_labels_are_read_as_its_organisers_read_them(exported: Exported, clips: list[FinishedClip]) -> None:
    folder = exported("accident")

    labels = pd.read_csv(folder / "labels.csv")

    assert labels["type"].tolist() == ["rear-end"] * 3
    assert labels["accident_time"].tolist() == [0.24] * 3
    assert labels["center_x"].tolist() == [0.5] * 3
    assert all((folder / path).exists() for path in labels["rgb_path"])
    frames = json.loads(gzip.decompress((folder / labels["annotations_path"][0]).read_bytes()))
    assert len(frames) == FRAMES
    assert frames[4]["objects"][0]["bbox"] == [16.0, 20.0, 32.0, 32.0]
    assert yaml.safe_load((folder / "annotation_classes.yaml").read_text())["classes"][0] == CLASSES[0]
    skipped = list(csv.DictReader((folder / "not_exported.csv").open()))
    assert [row["clip_id"] for row in skipped] == [clips[3].clip_id]


def test_dota_has_the_anomaly_and_its_objects_frame_by_frame(exported: Exported, clips: list[FinishedClip]) -> None:
    folder = exported("dota")
    metadata = json.loads((folder / "metadata_train.json").read_text())[clips[0].clip_id]
    assert (metadata["anomaly_start"], metadata["anomaly_end"], metadata["num_frames"]) == (2, 8, FRAMES)
    assert (metadata["anomaly_class"], metadata["subset"]) == ("other: moving_ahead_or_waiting", "train")
    assert (folder / "train_split.txt").read_text().split() == [clips[0].clip_id, clips[1].clip_id]

    whole = json.loads((folder / "annotations" / f"{clips[0].clip_id}.json").read_text())

    assert [label["accident_id"] for label in whole["labels"]] == [0, 0, 1, 1, 1, 1, 1, 1, 0]
    objects = whole["labels"][4]["objects"]
    assert [(each["obj_track_id"], each["category"], each["bbox"]) for each in objects] == [
        (1, "car", [16.0, 20.0, 32.0, 32.0]),
        (2, "car", [32.0, 20.0, 48.0, 32.0]),
    ]
    normal = json.loads((folder / "annotations" / f"{clips[3].clip_id}.json").read_text())
    assert (normal["anomaly_class"], {label["accident_id"] for label in normal["labels"]}) == ("normal", {0})


def test_openlabel_passes_its_checker(exported: Exported, clips: list[FinishedClip]) -> None:
    folder = exported("openlabel") / "openlabel"

    for clip in clips:
        report = openlabel_checker.core.check_file(str(folder / f"{clip.clip_id}.json"))
        assert [str(issue) for issue in report.issues] == []
        assert {outcome.status for outcome in report.outcomes} == {"completed"}
    document = json.loads((folder / f"{clips[0].clip_id}.json").read_text())["openlabel"]
    box = document["frames"]["4"]["objects"]["1"]["object_data"]["bbox"][0]["val"]
    assert box == [24.0, 26.0, 16.0, 12.0]
    assert document["objects"]["1"]["frame_intervals"] == [{"frame_start": 0, "frame_end": FRAMES - 1}]
    assert document["actions"]["0"]["frame_intervals"] == [{"frame_start": 2, "frame_end": 7}]
    assert document["events"]["0"]["frame_intervals"] == [{"frame_start": 4, "frame_end": 4}]
    assert document["streams"]["camera"]["stream_properties"]["intrinsics_pinhole"]["width_px"] == WIDTH


def test_cvat_counts_frames_from_zero(exported: Exported, clips: list[FinishedClip]) -> None:
    root = ET.parse(exported("cvat") / "annotations" / f"{clips[0].clip_id}.xml").getroot()

    assert root.findtext("meta/task/size") == str(FRAMES)
    tracks = {track.get("id"): track for track in root.iter("track")}
    assert {number: track.get("label") for number, track in tracks.items()} == {"1": "sedan", "2": "suv", "3": "van"}
    boxes = tracks["1"].findall("box")
    assert [int(box.get("frame", -1)) for box in boxes] == list(range(FRAMES))
    assert [float(boxes[0].get(name, -1)) for name in ("xtl", "ytl", "xbr", "ybr")] == [16.0, 20.0, 32.0, 32.0]
    assert {box.get("outside") for box in boxes} == {"0"}


def test_fiftyone_counts_frames_from_one(exported: Exported, clips: list[FinishedClip]) -> None:
    folder = exported("fiftyone")
    index = json.loads((folder / "manifest.json").read_text())["index"]
    assert len(index) == 4
    assert all((folder / entry["data"]).exists() for entry in index)

    labels = json.loads((folder / "labels" / f"{clips[0].clip_id}.json").read_text())

    assert sorted(map(int, labels["frames"])) == list(range(1, FRAMES + 1))
    assert all(frame["frame_number"] == int(number) for number, frame in labels["frames"].items())
    first = labels["frames"]["1"]["objects"]["objects"][0]
    assert (first["label"], first["index"]) == ("sedan", 1)
    assert first["bounding_box"]["top_left"] == {"x": 16 / WIDTH, "y": 20 / HEIGHT}


def test_cosmos_lines_have_one_inclusive_window(exported: Exported, clips: list[FinishedClip]) -> None:
    folder = exported("cosmos-sft") / "train"

    rows = [json.loads(line) for line in (folder / "video_dataset_file.jsonl").read_text().splitlines()]

    assert [row["uuid"] for row in rows] == [clips[0].clip_id, clips[1].clip_id]
    assert (folder / rows[0]["vision_path"]).exists()
    (window,) = rows[0]["t2w_windows"]
    assert (window["start_frame"], window["end_frame"], window["temporal_interval"]) == (0, FRAMES - 1, 1)
    assert window["caption"] == clips[0].planned.request.prompt
    assert window["caption_json"]["aspect_ratio"] == "4,3"


def test_cosmos_predict2_has_a_prompt_beside_every_training_clip(exported: Exported, clips: list[FinishedClip]) -> None:
    folder = exported("cosmos-predict2")

    videos, metas = ({path.stem for path in (folder / name).iterdir()} for name in ("videos", "metas"))

    assert videos == metas == {clips[0].clip_id, clips[1].clip_id}
    assert (folder / "metas" / f"{clips[0].clip_id}.txt").read_text() == "A static CCTV camera shows a highway."
    assert len((folder / "not_exported.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("where", ["version", "export"])
def test_croissant_is_valid_and_its_records_load(exported: Exported, version: reader.Version, where: str) -> None:
    path = (Path(version.url) if where == "version" else exported("croissant")) / "croissant.json"

    document = mlcroissant.Dataset(jsonld=path)

    assert (document.metadata.issues.errors, document.metadata.issues.warnings) == (set(), set())
    records = list(document.records("train"))
    assert [record["train/accident_frame"] for record in records] == [4, 4]
    assert records[0]["train/scenario_id"] == b"scenario-0"
    written = json.loads(path.read_text())
    assert written["isSynthetic"] is True
    assert written["digitalSourceType"].endswith("/algorithmicMedia")
    assert written["rai:dataCollectionType"] == "Synthetic data generation"


def test_traffic_anomaly_has_a_file_a_task_and_its_videos(exported: Exported) -> None:
    folder = exported("traffic-anomaly")
    asked = json.loads((folder / "train" / "bcq.json").read_text())
    assert asked["task"] == "bcq"
    for item in asked["items"]:
        assert set(item) == {"video_id", "question", "answer", "reasoning"}
        assert (folder / "train" / asked["media_root"] / item["video_id"]).is_file()
    times = json.loads((folder / "train" / "temporal_localization.json").read_text())["items"]
    assert {item["answer"] for item in times} == {"0.24", "0.12, 0.50"}
    captions = json.loads((folder / "captions.json").read_text())
    assert len(captions) == 4
    assert all(set(caption) <= {"camera", "scene", "incident", "aftermath"} for caption in captions.values())
