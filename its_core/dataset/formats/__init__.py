"""A published version in the formats that other tools read, one writer a format.

A writer is a module with ``write(source, folder)``. ``export`` picks it by name.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import cast

from its_core import storage
from its_core.dataset import reader
from its_core.dataset.formats.source import Source
from its_core.errors import FactoryError
from its_core.storage.errors import shown

# Name → module and what reads it.
FORMATS: dict[str, tuple[str, str]] = {
    "huggingface": ("videofolder", "Hugging Face datasets: videofolder with flat columns"),
    "coco": ("coco_video", "COCO with videos and tracks: pycocotools, detectron2, mmdetection"),
    "yolo": ("yolo", "frames and boxes: Ultralytics, supervision"),
    "webdataset": ("webdataset_shards", "tar shards: webdataset"),
    "accident": ("accident", "the ACCIDENT benchmark's layout with labels.csv"),
    "dota": ("dota", "the Detection of Traffic Anomaly dataset's JSON"),
    "traffic-anomaly": ("traffic_anomaly", "AI City's traffic-anomaly track: questions, answers and captions"),
    "openlabel": ("openlabel", "ASAM OpenLABEL 1.0.0"),
    "cvat": ("cvat", "CVAT for video 1.1, one XML file a clip"),
    "fiftyone": ("fiftyone_labels", "FiftyOne: FiftyOneVideoLabelsDataset"),
    "cosmos-sft": ("cosmos_sft", "NVIDIA Cosmos supervised fine-tuning: JSON lines"),
    "cosmos-predict2": ("cosmos_predict2", "NVIDIA Cosmos-Predict2 post-training: videos/ and metas/"),
    "croissant": ("croissant", "MLCommons Croissant 1.1 with RAI fields: mlcroissant"),
}


class ExportError(FactoryError, ValueError):
    """A version that cannot be exported as asked; the message says why."""

    default_code = "export"


def export(version: reader.Version, format_name: str, target_url: str) -> int:
    """Writes the version's clips and labels to a new folder, or ``s3://`` prefix, in another format.

    Clips are hard links where the disk allows it.

    Returns:
        How many clips were exported. ``not_exported.csv`` in the target names the others, with the reason.

    Raises:
        ExportError: there is no such format, or something is at the target already.
    """
    if format_name not in FORMATS:
        known = ", ".join(FORMATS)
        raise ExportError(f"format {format_name!r}: must be one of {known}", code="export.unknown_format")
    if storage.list_folder(target_url):
        raise ExportError(
            f"{shown(target_url)}: is not empty; name a new folder, nothing is overwritten", code="export.target_exists"
        )
    module = importlib.import_module(f"{__name__}.{FORMATS[format_name][0]}")
    write = cast("Callable[[Source, Path], None]", module.write)
    if storage.scheme(target_url) == "file":
        folder = storage.local_path(target_url)
        folder.mkdir(parents=True, exist_ok=True)
        return _write(version, write, folder)
    with tempfile.TemporaryDirectory(prefix="its-export-") as name:
        folder = Path(name)
        count = _write(version, write, folder)
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        storage.upload_many((path, storage.join(target_url, path.relative_to(folder).as_posix())) for path in files)
        return count


def _write(version: reader.Version, write: Callable[[Source, Path], None], folder: Path) -> int:
    with Source(version) as source:
        write(source, folder)
        source.write_skipped(folder)
        return source.exported
