"""YOLO: ``images/<split>/<clip_id>_<frame>.jpg``, ``labels/<split>/….txt`` and ``data.yaml``.

A line of a label file is class, centre x, centre y, width, height, as shares of the frame. Frames count from 0. Frames
without boxes have an empty label file, so that they count as background.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from PIL import Image

from its_core.dataset.formats.boxes import boxes_by_frame
from its_core.dataset.formats.source import CLASSES, ExportClip, Source
from its_core.video import read_frames

_QUALITY = 95


def write(source: Source, folder: Path) -> None:
    for split in source.splits:
        for kind in ("images", "labels"):
            (folder / kind / split.value).mkdir(parents=True)
        for clip in source.clips(split):
            _write_clip(clip, folder)
    names = {"train": "train", "val": "val", "test": "test"}
    data = {"path": "."} | {names[split.value]: f"images/{split.value}" for split in source.splits}
    data["names"] = list(CLASSES)  # type: ignore[assignment]
    (folder / "data.yaml").write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")


def _write_clip(clip: ExportClip, folder: Path) -> None:
    width, height = clip.size_px
    for picture, (frame, boxes) in zip(read_frames(clip.video), boxes_by_frame(clip), strict=True):
        name = f"{clip.split.value}/{clip.clip_id}_{frame:06}"
        Image.fromarray(picture).save(folder / "images" / f"{name}.jpg", quality=_QUALITY, subsampling=0)
        lines = []
        for each in boxes:
            x1, y1, x2, y2 = each.box
            shares = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
            lines.append(f"{CLASSES.index(each.track.type)} " + " ".join(f"{share:.6f}" for share in shares))
        (folder / "labels" / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
