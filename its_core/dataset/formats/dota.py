"""DoTA's JSON (Yao et al., 2022): ``annotations/<clip>.json`` a clip, ``metadata_<split>.json``, ``<split>_split.txt``.

Frame numbers count from 0. ``[anomaly_start, anomaly_end)`` is half-open. ``frames/<clip>/images/`` is where DoTA's own
code looks for the pictures; the clips are in ``videos/``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from its_core import storage
from its_core.dataset.formats.boxes import Boxed, boxes_by_frame
from its_core.dataset.formats.source import ExportClip, Source

# DoTA's object classes, which are those of COCO that move on roads: name and number.
_CATEGORIES = {
    "pedestrian": ("person", 1),
    "bicycle": ("bicycle", 2),
    "motorcycle": ("motorcycle", 4),
    "bus": ("bus", 6),
    "truck": ("truck", 8),
    "articulated_truck": ("truck", 8),
}
_CAR = ("car", 3)
_NORMAL = "normal"


def write(source: Source, folder: Path) -> None:
    (folder / "annotations").mkdir(parents=True)
    for split in source.splits:
        metadata: dict[str, Any] = {}
        for clip in source.clips(split):
            storage.link_or_copy(clip.video, folder / "videos" / f"{clip.clip_id}.mp4")
            entry = _metadata(clip)
            metadata[clip.clip_id] = entry
            whole = {"video_name": clip.clip_id, **entry, "labels": _labels(clip)}
            (folder / "annotations" / f"{clip.clip_id}.json").write_text(json.dumps(whole), encoding="utf-8")
        (folder / f"metadata_{split.value}.json").write_text(json.dumps(metadata, indent=1), encoding="utf-8")
        names = "".join(f"{name}\n" for name in metadata)
        (folder / f"{split.value}_split.txt").write_text(names, encoding="utf-8")


def _metadata(clip: ExportClip) -> dict[str, Any]:
    row = clip.row
    return {
        "video_start": 0,
        "video_end": clip.frames - 1,
        "anomaly_start": row["anomaly_start"],
        "anomaly_end": row["anomaly_end"],
        "anomaly_class": row["accident_class"] or _NORMAL,
        "num_frames": clip.frames,
        "subset": clip.split.value,
        "ego_involve": False,
        "night": row["day_time"] == "night",
    }


def _labels(clip: ExportClip) -> list[dict[str, Any]]:
    start, end = clip.row["anomaly_start"], clip.row["anomaly_end"]
    name = clip.row["accident_class"] or _NORMAL
    labels = []
    for frame, boxes in boxes_by_frame(clip):
        abnormal = start is not None and end is not None and start <= frame < end
        # DoTA lists the objects that take part in the anomaly, in the frames in which it happens.
        objects = [_object(each) for each in boxes if each.track.role != "bystander"] if abnormal else []
        labels.append(
            {
                "frame_id": frame,
                "image_path": f"frames/{clip.clip_id}/images/{frame:06}.jpg",
                "accident_id": int(abnormal),
                "accident_name": name.partition(": ")[2] or name if abnormal else _NORMAL,
                "objects": objects,
            }
        )
    return labels


def _object(each: Boxed) -> dict[str, Any]:
    category, number = _CATEGORIES.get(each.track.type, _CAR)
    return {
        "obj_track_id": each.track.track_id,
        "bbox": list(each.box),
        "category": category,
        "category ID": number,
        "trunc": each.at.occlusion > 0,
    }
