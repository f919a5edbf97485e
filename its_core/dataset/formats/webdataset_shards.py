"""WebDataset: ``<split>-000000.tar``; a sample is ``<clip_id>.mp4``, ``.json`` (labels) and ``.annotations.json``.

Members have no owner and no time, so that equal versions make equal shards.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from its_core.dataset.formats.source import ExportClip, Source

MOST_BYTES = 1 << 30
MOST_CLIPS = 1000


def write(source: Source, folder: Path) -> None:
    for split in source.splits:
        shard: tarfile.TarFile | None = None
        number, clips, size_bytes = 0, 0, 0
        try:
            for clip in source.clips(split):
                if shard is None or clips == MOST_CLIPS or size_bytes >= MOST_BYTES:
                    if shard is not None:
                        shard.close()
                    shard = tarfile.open(folder / f"{split.value}-{number:06}.tar", "w")  # noqa: SIM115
                    number, clips, size_bytes = number + 1, 0, 0
                size_bytes += _add(shard, clip)
                clips += 1
        finally:
            if shard is not None:
                shard.close()


def _add(shard: tarfile.TarFile, clip: ExportClip) -> int:
    parts = {"mp4": clip.video.read_bytes(), "json": json.dumps(clip.row, ensure_ascii=False, default=str).encode()}
    if clip.annotations is not None:
        parts["annotations.json"] = clip.annotations.model_dump_json().encode()
    for suffix, content in parts.items():
        member = tarfile.TarInfo(f"{clip.clip_id}.{suffix}")
        member.size = len(content)
        shard.addfile(member, io.BytesIO(content))
    return sum(len(content) for content in parts.values())
