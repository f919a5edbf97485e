"""COCO with videos (as TAO and YouTube-VIS extend it): ``annotations/<split>.json`` beside the clips.

``images`` are frames: ``video_id``, ``frame_index`` from 0, and ``file_name``, the clip. ``bbox`` is x, y, width,
height in pixels. ``annotations`` carry ``track_id`` and, where there is a mask, ``segmentation`` as RLE. The lists are
written one entry at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from its_core import storage
from its_core.dataset.formats.boxes import boxes_by_frame
from its_core.dataset.formats.source import CLASSES, ExportClip, Source
from its_core.taxonomy import Split

_LABELS = ("incident_type", "type", "accident_frame", "accident_time", "anomaly_start", "anomaly_end", "camera_id")


def write(source: Source, folder: Path) -> None:
    for split in source.splits:
        _write_split(source, split, folder)


def _write_split(source: Source, split: Split, folder: Path) -> None:
    path = folder / "annotations" / f"{split.value}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    parts = {name: path.with_suffix(f".{name}.part") for name in ("videos", "tracks", "images", "annotations")}
    files = {name: part.open("w", encoding="utf-8") for name, part in parts.items()}
    try:
        for video_id, clip in enumerate(source.clips(split), start=1):
            storage.link_or_copy(clip.video, folder / clip.name)
            for name, entries in _entries(clip, video_id):
                _append(files[name], entries)
    finally:
        for file in files.values():
            file.close()
    categories = [{"id": number, "name": name} for number, name in enumerate(CLASSES, start=1)]
    info = {"description": f"{source.version.dataset}, version {source.version.version}: synthetic", "version": "1.0"}
    with path.open("w", encoding="utf-8") as target:
        target.write(f'{{"info": {json.dumps(info)},\n"categories": {json.dumps(categories)}')
        for name, part in parts.items():
            target.write(f',\n"{name}": [')
            with part.open(encoding="utf-8") as lines:
                for number, line in enumerate(lines):
                    target.write(f"{',' if number else ''}\n{line.rstrip()}")
            target.write("]")
            part.unlink()
        target.write("}\n")


def _append(file: TextIO, entries: Iterable[dict[str, Any]]) -> None:
    for entry in entries:
        file.write(json.dumps(entry) + "\n")


def _entries(clip: ExportClip, video_id: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A split has fewer than 10^5 frames a clip and 10^3 boxes a frame, so that ids follow from the position."""
    width, height = clip.size_px
    video = {"id": video_id, "name": clip.clip_id, "file_name": clip.name, "width": width, "height": height}
    video |= {"length": clip.frames, "fps": clip.row["fps"]} | {name: clip.row[name] for name in _LABELS}
    yield "videos", [video]
    tracks = clip.annotations.tracks if clip.annotations else []
    yield (
        "tracks",
        [
            {"id": _track_id(video_id, track.track_id), "video_id": video_id, "category_id": _category(track.type)}
            | {"colour": track.colour, "role": track.role, "number": track.track_id}
            for track in tracks
        ],
    )
    images, annotations = [], []
    for frame, boxes in boxes_by_frame(clip):
        image_id = video_id * 100_000 + frame
        images.append(
            {"id": image_id, "video_id": video_id, "frame_index": frame, "file_name": clip.name}
            | {"width": width, "height": height}
        )
        for number, each in enumerate(boxes):
            x1, y1, x2, y2 = each.box
            annotation: dict[str, Any] = {
                "id": image_id * 1000 + number,
                "image_id": image_id,
                "video_id": video_id,
                "track_id": _track_id(video_id, each.track.track_id),
                "category_id": _category(each.track.type),
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "area": (x2 - x1) * (y2 - y1),
                "iscrowd": 0,
                "occlusion": each.at.occlusion,
                "role": each.track.role,
            }
            if each.at.mask is not None:
                annotation["segmentation"] = {"size": [height, width], "counts": each.at.mask}
            annotations.append(annotation)
    yield "images", images
    yield "annotations", annotations


def _category(name: str) -> int:
    return CLASSES.index(name) + 1


def _track_id(video_id: int, track_id: int) -> int:
    return video_id * 10_000 + track_id
