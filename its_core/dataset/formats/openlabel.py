"""ASAM OpenLABEL 1.0.0: ``openlabel/<clip_id>.json`` beside ``videos/<clip_id>.mp4``.

Objects are the tracks, with a bounding box (centre x, centre y, width, height in pixels) in every frame in which they
can be seen. Actions are the clip's phases, events its contacts, contexts the scene's words. Frames count from 0, and
frame intervals are inclusive.
"""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

from its_core import storage
from its_core.annotations import Track
from its_core.dataset.formats.source import ExportClip, Source

_STREAM = "camera"
_WORDS = ("incident_type", "type", "weather_condition", "light", "road_layout", "road_surface", "traffic_density")


def write(source: Source, folder: Path) -> None:
    (folder / "openlabel").mkdir(parents=True)
    for clip in source.clips():
        storage.link_or_copy(clip.video, folder / "videos" / f"{clip.clip_id}.mp4")
        path = folder / "openlabel" / f"{clip.clip_id}.json"
        path.write_text(json.dumps(_document(clip, source)), encoding="utf-8")


def _document(clip: ExportClip, source: Source) -> dict[str, Any]:
    last = clip.frames - 1
    whole = [{"frame_start": 0, "frame_end": last}]
    tracks = [track for track in (clip.annotations.tracks if clip.annotations else []) if _seen(track)]
    content: dict[str, Any] = {
        "metadata": {
            "schema_version": "1.0.0",
            "file_version": source.version.version,
            "name": f"{source.version.dataset}/{clip.clip_id}",
            "comment": "synthetic: no incident in it ever took place",
        },
        "streams": {_STREAM: _stream(clip)},
        "frame_intervals": whole,
        "frames": _frames(clip, tracks),
    }
    objects = {str(track.track_id): _object(track) for track in tracks}
    events = _events(clip)
    actions = _actions(clip)
    contexts = {
        str(number): {"name": name, "type": str(clip.row[name]), "frame_intervals": whole}
        for number, name in enumerate(word for word in _WORDS if clip.row[word] is not None)
    }
    parts = (("objects", objects), ("events", events), ("actions", actions), ("contexts", contexts))
    content |= {name: part for name, part in parts if part}
    return {"openlabel": content}


def _stream(clip: ExportClip) -> dict[str, Any]:
    stream: dict[str, Any] = {"type": "camera", "uri": f"../videos/{clip.clip_id}.mp4"}
    camera = clip.annotations.camera if clip.annotations else None
    if camera is not None:
        matrix = [value for row in camera.intrinsics for value in (*row, 0.0)]
        stream["stream_properties"] = {
            "intrinsics_pinhole": {
                "camera_matrix_3x4": matrix,
                "distortion_coeffs_1xN": camera.distortion or [0.0, 0.0, 0.0, 0.0],
                "width_px": camera.width_px,
                "height_px": camera.height_px,
            }
        }
    return stream


def _seen(track: Track) -> list[int]:
    """Frames in which the track can be seen."""
    return sorted(at.frame for at in track.frames if at.visible_box is not None)


def _intervals(frames: list[int]) -> list[dict[str, int]]:
    starts = [frames[0], *(after for before, after in pairwise(frames) if after != before + 1)]
    ends = [*(before for before, after in pairwise(frames) if after != before + 1), frames[-1]]
    return [{"frame_start": start, "frame_end": end} for start, end in zip(starts, ends, strict=True)]


def _object(track: Track) -> dict[str, Any]:
    intervals = _intervals(_seen(track))
    texts = [{"name": "role", "val": track.role}] + ([{"name": "colour", "val": track.colour}] if track.colour else [])
    return {
        "name": f"{track.type} {track.track_id}",
        "type": track.type,
        "frame_intervals": intervals,
        "object_data": {"text": texts},
        "object_data_pointers": {
            "visible": {"type": "bbox", "frame_intervals": intervals},
            **{each["name"]: {"type": "text", "frame_intervals": []} for each in texts},
        },
    }


def _frames(clip: ExportClip, tracks: list[Track]) -> dict[str, Any]:
    frames: dict[str, Any] = {
        str(frame): {"frame_properties": {"timestamp": round(frame / clip.row["fps"], 6)}}
        for frame in range(clip.frames)
    }
    for track in tracks:
        for at in track.frames:
            if at.visible_box is None:
                continue
            x1, y1, x2, y2 = at.visible_box
            box = {"name": "visible", "val": [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]}
            objects = frames[str(at.frame)].setdefault("objects", {})
            objects[str(track.track_id)] = {"object_data": {"bbox": [box]}}
    return frames


def _events(clip: ExportClip) -> dict[str, Any]:
    contacts = clip.annotations.contacts if clip.annotations else []
    return {
        str(number): {
            "name": f"contact {number}",
            "type": "contact",
            "frame_intervals": [{"frame_start": contact.frame, "frame_end": contact.frame}],
        }
        for number, contact in enumerate(contacts)
        if 0 <= contact.frame < clip.frames
    }


def _actions(clip: ExportClip) -> dict[str, Any]:
    phases = [(phase.name, phase.start, phase.end) for phase in clip.annotations.phases] if clip.annotations else []
    start, end = clip.row["anomaly_start"], clip.row["anomaly_end"]
    if not phases and start is not None and end is not None:
        phases = [("anomaly", start, end)]  # type: ignore[list-item]
    return {
        str(number): {
            "name": name,
            "type": name,
            "frame_intervals": [{"frame_start": start, "frame_end": end - 1}],
        }
        for number, (name, start, end) in enumerate(phases)
        if start < end <= clip.frames
    }
