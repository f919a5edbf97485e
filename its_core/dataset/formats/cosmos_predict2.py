"""NVIDIA Cosmos-Predict2's post-training folder: ``videos/<clip_id>.mp4`` and ``metas/<clip_id>.txt``, the prompt.

Only the split ``train`` is exported: the folder has no splits.
"""

from __future__ import annotations

from pathlib import Path

from its_core import storage
from its_core.dataset.formats.source import Source
from its_core.taxonomy import Split


def write(source: Source, folder: Path) -> None:
    metas = folder / "metas"
    metas.mkdir(parents=True)
    for clip in source.clips(skip=lambda row: None if row["split"] == Split.TRAIN else f"split {row['split']}"):
        storage.link_or_copy(clip.video, folder / "videos" / f"{clip.clip_id}.mp4")
        (metas / f"{clip.clip_id}.txt").write_text(str(clip.row["prompt"]).strip(), encoding="utf-8")
