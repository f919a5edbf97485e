"""A clip in the page: what a card shows, and, compressed, what the viewer shows."""

from __future__ import annotations

import base64
import gzip
import io
import json
from typing import Any

from PIL import Image

from its_core.annotations import Annotations, Track
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.labels.label_rows import LABELS, row
from its_core.dataset.layout import annotations_path, clip_file_name
from its_core.dataset.privacy import without_local_paths
from its_core.dataset.versions.content import Dataset
from its_core.redaction import without_secrets
from its_core.video import read_frames_numbered

POSTER_WIDTH_PX = 240
_POSTER_QUALITY = 62


def clip_entry(clip: FinishedClip, dataset: Dataset) -> dict[str, Any]:
    labels, annotations = row(clip, dataset.engine), clip.annotations()
    return {
        "id": clip.clip_id,
        "scenario": labels["scenario_id"],
        "variant": labels["variant"],
        "camera": labels["camera_id"],
        "pair": labels["pair_id"],
        "split": labels["split"],
        "incident": labels["incident_type"],
        "weather": labels["weather_condition"],
        "light": labels["light"],
        "status": clip.receipt.outcome.value,
        "frames": labels["no_frames"],
        "fps": labels["fps"],
        "accident": labels["accident_frame"],
        "video": f"{clip.planned.split}/{clip_file_name(clip.clip_id)}",
        "annotations": annotations_path(clip.clip_id) if annotations else None,
        "poster": _poster(clip, annotations),
        "more": _packed(_details(clip, labels, annotations)),
    }


def _details(clip: FinishedClip, labels: dict[str, Any], annotations: Annotations | None) -> dict[str, Any]:
    shown = [(name, labels[name], labels["sources"][name]) for name in LABELS]
    attempts = [
        [each.outcome.value, _public(each.reason), each.started_at, f"{each.duration_s:.1f}"]
        for each in clip.receipt.attempts
    ]
    lineage = {
        "clip_id": clip.clip_id,
        "manifest row": clip.planned.row,
        "seed": labels["seed"],
        "engine": f"{labels['engine']} {labels['engine_version']}",
        "weights SHA-256": labels["weights_sha256"],
        "input": labels["input_image"],
        "input SHA-256": labels["input_sha256"],
        "clip SHA-256": labels["clip_sha256"],
        "code": clip.receipt.attempts[-1].code_version,
        "mean luma": clip.measures.mean_luma,
    }
    return {
        "prompt": labels["prompt"],
        "labels": [[name, _as_text(value), source["source"]] for name, value, source in shown if source is not None],
        "attempts": attempts,
        "lineage": [[name, str(value)] for name, value in lineage.items() if value is not None],
        "impact": annotations.impact_point if annotations else None,
        "phases": _phases(labels, annotations),
        "tracks": [_track(track, labels["no_frames"]) for track in annotations.tracks] if annotations else [],
    }


def _public(reason: str) -> str:
    return str(without_secrets(without_local_paths(reason)))


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)


def _phases(labels: dict[str, Any], annotations: Annotations | None) -> list[list[Any]]:
    """Name, first frame, and the frame after the last one."""
    if annotations and annotations.phases:
        return [[phase.name, phase.start, phase.end] for phase in annotations.phases]
    start, end = labels["anomaly_start"], labels["anomaly_end"]
    return [] if start is None or end is None else [["anomaly", start, end]]


def _track(track: Track, frames: int) -> dict[str, Any]:
    """Boxes in whole pixels, one a frame from ``first`` on, None where the track cannot be seen."""
    boxes: list[list[int] | None] = [None] * frames
    for at in track.frames:
        if at.visible_box is not None and 0 <= at.frame < frames:
            boxes[at.frame] = [round(value) for value in at.visible_box]
    seen = [number for number, box in enumerate(boxes) if box is not None]
    first, end = (seen[0], seen[-1] + 1) if seen else (0, 0)
    return {"id": track.track_id, "type": track.type, "role": track.role, "first": first, "boxes": boxes[first:end]}


def _poster(clip: FinishedClip, annotations: Annotations | None) -> str:
    """The frame of the impact, else the middle one, as a data URL."""
    frames = clip.planned.request.geometry.frames
    number = annotations.accident_frame if annotations and annotations.accident_frame is not None else frames // 2
    picture = Image.fromarray(read_frames_numbered(clip.files.video, [number])[number])
    height = round(POSTER_WIDTH_PX * picture.height / picture.width)
    small = picture.resize((POSTER_WIDTH_PX, height), Image.Resampling.LANCZOS, reducing_gap=2)
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=_POSTER_QUALITY, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def _packed(value: object) -> str:
    """JSON, gzip, Base64: the viewer unpacks it when the clip is opened."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
