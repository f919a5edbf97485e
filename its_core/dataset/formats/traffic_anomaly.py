"""Questions and answers in the layout of AI City's traffic-anomaly track: one JSON file a task, and the videos.

Every answer follows from what is known of a clip. Of a generative engine's clips only what was verified is said; a clip
of which nothing is known is not exported. ``captions.json`` has the guide's four parts of each clip.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from its_core import storage
from its_core.dataset.formats.source import Source
from its_core.dataset.questions.facts import Facts
from its_core.dataset.questions.tasks import TASKS

CAPTIONS_FILE = "captions.json"


def write(source: Source, folder: Path) -> None:
    items: dict[tuple[str, str], list[dict[str, str]]] = {}
    captions: dict[str, dict[str, str]] = {}
    for clip in source.clips(skip=_unknown):
        facts = Facts(clip.row, clip.annotations)
        storage.link_or_copy(clip.video, folder / "videos" / clip.name)
        for task, ask in TASKS.items():
            asked = [{"video_id": clip.name, **item._asdict()} for item in ask(facts)]
            items.setdefault((clip.split.value, task), []).extend(asked)
        if (caption := facts.caption()) is not None:
            captions[clip.name] = caption
    for (split, task), listed in items.items():
        if listed:
            _write(folder / split / f"{task}.json", {"task": task, "media_root": "../videos", "items": listed})
    _write(folder / CAPTIONS_FILE, captions)


def _unknown(row: dict[str, Any]) -> str | None:
    return "what happens in it is not known" if Facts(row, None).incident is None else None


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
