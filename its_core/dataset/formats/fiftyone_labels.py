"""FiftyOne's ``FiftyOneVideoLabelsDataset``: ``data/<clip_id>.mp4`` and ``labels/<clip_id>.json``.

Frame numbers count from 1, boxes are shares of the frame. Load it with
``fiftyone.Dataset.from_dir(folder, dataset_type=fiftyone.types.FiftyOneVideoLabelsDataset)``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from its_core import storage
from its_core.dataset.formats.boxes import Boxed, boxes_by_frame
from its_core.dataset.formats.source import ExportClip, Source

_LABELS = ("split", "camera_id", "incident_type", "type", "weather_condition", "light", "road_layout")


def write(source: Source, folder: Path) -> None:
    (folder / "labels").mkdir(parents=True)
    manifest: dict[str, Any] = {"type": "eta.core.datasets.LabeledVideoDataset", "description": "", "index": []}
    for clip in source.clips():
        data, labels = f"data/{clip.clip_id}.mp4", f"labels/{clip.clip_id}.json"
        storage.link_or_copy(clip.video, folder / data)
        (folder / labels).write_text(json.dumps(_video_labels(clip)), encoding="utf-8")
        manifest["index"].append({"data": data, "labels": labels})
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def _video_labels(clip: ExportClip) -> dict[str, Any]:
    attributes = [_categorical(name, str(clip.row[name])) for name in _LABELS if clip.row[name] is not None]
    frames = {
        str(frame + 1): {"frame_number": frame + 1, "objects": {"objects": [_object(clip, each) for each in boxes]}}
        for frame, boxes in boxes_by_frame(clip)
    }
    return {"attrs": {"attrs": attributes}, "frames": frames}


def _categorical(name: str, value: str) -> dict[str, Any]:
    return {"type": "eta.core.data.CategoricalAttribute", "name": name, "value": value}


def _object(clip: ExportClip, each: Boxed) -> dict[str, Any]:
    width, height = clip.size_px
    x1, y1, x2, y2 = each.box
    attributes = [_categorical("role", each.track.role)]
    if each.track.colour:
        attributes.append(_categorical("colour", each.track.colour))
    return {
        "type": "eta.core.objects.DetectedObject",
        "label": each.track.type,
        "index": each.track.track_id,
        "bounding_box": {
            "top_left": {"x": x1 / width, "y": y1 / height},
            "bottom_right": {"x": x2 / width, "y": y2 / height},
        },
        "attrs": {"attrs": attributes},
    }
