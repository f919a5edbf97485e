"""The ACCIDENT benchmark's synthetic layout: ``labels.csv``, ``videos/<type>/``, ``annotations/`` and the classes.

Clips of no collision type that ACCIDENT knows (near-misses, normal traffic, struck pedestrians) are not exported.
Its columns come first, under its names; ``split`` and ``clip_id`` follow.
"""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import yaml

from its_core import storage
from its_core.dataset.formats.boxes import boxes_by_frame
from its_core.dataset.formats.source import CLASSES, ExportClip, Source

COLUMNS = (
    *("rgb_path", "type", "accident_time", "accident_frame", "center_x", "center_y", "x1", "y1", "x2", "y2", "map"),
    *("weather", "camera_position", "duration", "no_frames", "height", "width", "annotations_path"),
    "annotations_start_offset",
)
_OWN = ("split", "clip_id", "day_time", "scene_layout", "quality", "rollover")


def write(source: Source, folder: Path) -> None:
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        labels = csv.DictWriter(file, (*COLUMNS, *_OWN))
        labels.writeheader()
        for clip in source.clips(skip=_unsuitable):
            row = _row(clip)
            storage.link_or_copy(clip.video, folder / row["rgb_path"])
            if clip.annotations is not None:
                _write_annotations(clip, folder / row["annotations_path"])
            labels.writerow(row)
    classes = {"classes": dict(enumerate(CLASSES))}
    (folder / "annotation_classes.yaml").write_text(yaml.safe_dump(classes, sort_keys=False), encoding="utf-8")


def _unsuitable(row: dict[str, Any]) -> str | None:
    if row["type"] is None:
        return f"{row['incident_type'] or 'unknown incident'}: no collision type of ACCIDENT"
    return None if row["accident_time"] is not None else "the time of the collision is unknown"


def _row(clip: ExportClip) -> dict[str, Any]:
    own = {name: clip.row[name] for name in (*COLUMNS, *_OWN) if name in clip.row}
    return own | {
        "rgb_path": f"videos/{clip.row['type']}/{clip.clip_id}.mp4",
        "map": clip.row["road_layout"],
        "camera_position": clip.row["camera_id"],
        "annotations_path": clip.annotations and f"annotations/{clip.row['type']}/{clip.clip_id}.json.gz",
        "annotations_start_offset": 0,
    }


def _write_annotations(clip: ExportClip, path: Path) -> None:
    """Frames from 0, each with its objects: class, track and box in pixels."""
    frames = [
        {
            "frame": frame,
            "objects": [
                {
                    "track_id": each.track.track_id,
                    "class": CLASSES.index(each.track.type),
                    "bbox": list(each.box),
                    "role": each.track.role,
                }
                for each in boxes
            ],
        }
        for frame, boxes in boxes_by_frame(clip)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(frames).encode(), mtime=0))
