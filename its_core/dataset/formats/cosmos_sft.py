"""NVIDIA Cosmos' JSON lines for supervised fine-tuning: ``<split>/video_dataset_file.jsonl`` and ``<split>/videos/``.

One window a clip, ``end_frame`` inclusive. ``caption`` is the clip's prompt and ``caption_json`` what is known of it.
(https://nvidia.github.io/cosmos-framework/dataset_jsonl/)
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from its_core import storage
from its_core.dataset.formats.source import ExportClip, Source


def write(source: Source, folder: Path) -> None:
    for split in source.splits:
        path = folder / split.value / "video_dataset_file.jsonl"
        path.parent.mkdir(parents=True)
        with path.open("w", encoding="utf-8") as file:
            for clip in source.clips(split):
                storage.link_or_copy(clip.video, folder / split.value / "videos" / f"{clip.clip_id}.mp4")
                file.write(json.dumps(_entry(clip), ensure_ascii=False) + "\n")


def _entry(clip: ExportClip) -> dict[str, Any]:
    width, height = clip.size_px
    window = {
        "start_frame": 0,
        "end_frame": clip.frames - 1,
        "temporal_interval": 1,
        "caption_json": _structured_caption(clip),
        "caption": clip.row["prompt"],
    }
    return {
        "uuid": clip.clip_id,
        "duration": clip.row["duration"],
        "width": width,
        "height": height,
        "vision_path": f"videos/{clip.clip_id}.mp4",
        "t2w_windows": [window],
    }


def _structured_caption(clip: ExportClip) -> dict[str, Any]:
    row = clip.row
    width, height = clip.size_px
    divisor = math.gcd(width, height)
    known = (row["road_layout"], row["weather_condition"], row["light"], row["road_surface"])
    incident = str(row["incident_type"] or "traffic").replace("_", " ")
    return {
        "subjects": [
            {"description": " ".join(word for word in (each["colour"], each["type"]) if word), "action": each["role"]}
            for each in row["participants"] or ()
        ],
        "background_setting": ", ".join(str(word).replace("_", " ") for word in known if word),
        "cinematography": {"camera_motion": "static", "framing": "wide shot", "camera_angle": "high angle"},
        "actions": [{"time": _time(row), "description": incident}],
        "temporal_caption": row["prompt"],
        "resolution": {"H": height, "W": width},
        "aspect_ratio": f"{width // divisor},{height // divisor}",
        "duration": f"{row['duration']:.0f}s",
        "fps": row["fps"],
    }


def _time(row: dict[str, Any]) -> str:
    start, end = row["anomaly_start_time"], row["anomaly_end_time"]
    start_s, end_s = (0, row["duration"]) if start is None or end is None else (start, end)
    return "-".join(f"{int(seconds) // 60}:{int(seconds) % 60:02}" for seconds in (start_s, end_s))
