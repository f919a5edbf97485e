"""The parts that a training set is named by: published versions, folders in NVIDIA's layout, manifests of clips."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.dataset import reader
from its_core.errors import FactoryError
from its_core.post_training.data.captions import NotObserved, caption_of, observed_scene
from its_core.post_training.data.clips import KINDS, Kind, Refusal, SourceClip, Use
from its_core.post_training.data.part_models import FolderPart, ManifestPart, Part, PublishedPart
from its_core.post_training.errors import PostTrainingError
from its_core.storage.input_cache import InputCache
from its_core.taxonomy import IncidentType, Split

NO_CAPTION = "post_training.clip.no_caption"
_USES: dict[Split, Use] = {Split.TRAIN: "train", Split.VAL: "validate"}
_MOST_ROWS = 1_000_000


def read_part(
    part: Part, number: int, publish_url: str, validation_share: float, cache: InputCache
) -> Iterator[SourceClip | Refusal]:
    """The clips of a part; ``number`` is its place in the training set.

    Raises PostTrainingError, NotPublished or StorageError when the part as a whole cannot be read.
    """
    match part:
        case PublishedPart():
            yield from _published(part, publish_url)
        case FolderPart():
            yield from _folder(part, number, validation_share)
        case ManifestPart():
            yield from _manifest(part, number, validation_share, cache)


def open_published(part: PublishedPart, publish_url: str) -> reader.Version:
    root = storage.join(publish_url, part.dataset)
    return reader.latest(root) if part.version == "latest" else reader.open_version(storage.join(root, part.version))


def _published(part: PublishedPart, publish_url: str) -> Iterator[SourceClip | Refusal]:
    version = open_published(part, publish_url)
    for row in version.rows():
        use = _USES.get(Split(row["split"]))
        if use is None:
            continue
        name = f"{version.dataset}/{version.version}/{row['clip_id']}"
        try:
            scene = observed_scene(row, version.annotations(row))
        except NotObserved as error:
            yield Refusal(name, error.code, str(error))
            continue
        assert scene.incident_type is not None
        yield SourceClip(
            name=name,
            video_url=storage.join(version.url, row["split"], row["file_name"]),
            caption=caption_of(scene, row["clip_id"]),
            kind="incident" if scene.incident_type.is_anomaly else "normal",
            use=use,
            event_s=row["accident_time"],
            origin={"dataset": version.dataset, "version": version.version, "clip_id": row["clip_id"]},
        )


def _folder(part: FolderPart, number: int, validation_share: float) -> Iterator[SourceClip | Refusal]:
    """``videos/NAME.mp4`` with ``metas/NAME.txt``; whatever else lies there, pickled embeddings too, is left alone."""
    videos = [name for name in storage.list_folder(storage.join(part.folder, "videos")) if name.endswith(".mp4")]
    if not videos:
        raise PostTrainingError(
            f"{part.folder}: no videos/*.mp4 there; a folder part holds videos/NAME.mp4 and metas/NAME.txt",
            code="post_training.part.empty",
        )
    for file in videos:
        stem = file.removesuffix(".mp4")
        name = f"{number}/{stem}"
        text_url = storage.join(part.folder, "metas", f"{stem}.txt")
        try:
            caption = storage.read_bytes(text_url).decode().strip()
        except (FileNotFoundError, UnicodeDecodeError):
            caption = ""
        if not caption:
            yield Refusal(name, NO_CAPTION, f"{text_url}: no caption there; write what is to be seen into that file")
            continue
        yield SourceClip(
            name=name,
            video_url=storage.join(part.folder, "videos", file),
            caption=caption,
            kind=part.kind,
            use=_use(name, validation_share),
            origin={"folder": part.folder, "file": file},
        )


def _manifest(
    part: ManifestPart, number: int, validation_share: float, cache: InputCache
) -> Iterator[SourceClip | Refusal]:
    """Rows with ``video`` and ``caption``, and ``kind`` or ``incident_type`` unless the part names the kind; optional
    ``split`` (train, val) and ``accident_time`` in seconds."""
    for index, row in enumerate(_rows(part, cache)):
        video = str(row.get("video") or "")
        name = f"{number}/{index}"
        caption = str(row.get("caption") or "").strip()
        try:
            kind = part.kind or _kind_of(row)
            url = _below(part, video)
            use = _USES[Split(row["split"])] if row.get("split") else _use(video, validation_share)
            event_s = None if row.get("accident_time") is None else float(row["accident_time"])
        except (FactoryError, ValueError, KeyError) as error:
            code = error.code if isinstance(error, FactoryError) else "post_training.clip.row"
            yield Refusal(name, code, f"{part.manifest}, row {index}: {error}")
            continue
        if not caption:
            yield Refusal(name, NO_CAPTION, f"{part.manifest}, row {index}: no caption for {video}")
            continue
        origin = {"manifest": part.manifest, "row": index, "video": video}
        yield SourceClip(name, url, caption, kind, use, event_s, origin)


def _rows(part: ManifestPart, cache: InputCache) -> Iterator[dict[str, Any]]:
    try:
        with pq.ParquetFile(cache.fetch(part.manifest)) as file:
            names = set(file.schema_arrow.names)
            if missing := {"video", "caption"} - names:
                raise PostTrainingError(
                    f"{part.manifest}: no column {' or '.join(sorted(missing))}; a clip manifest has video and caption",
                    code="post_training.part.columns",
                )
            if file.metadata.num_rows > _MOST_ROWS:
                raise PostTrainingError(f"{part.manifest}: {file.metadata.num_rows} rows, at most {_MOST_ROWS}")
            wanted = [n for n in ("video", "caption", "kind", "incident_type", "split", "accident_time") if n in names]
            for batch in file.iter_batches(1024, columns=wanted):
                yield from batch.to_pylist()
    except (pa.ArrowException, FileNotFoundError) as error:
        raise PostTrainingError(
            f"{part.manifest}: cannot be read as Parquet ({' '.join(str(error).split())[:200]})",
            code="post_training.part.unreadable",
        ) from None


def _kind_of(row: dict[str, Any]) -> Kind:
    row_kind = row.get("kind")
    if row_kind is None and row.get("incident_type"):
        return "incident" if IncidentType(row["incident_type"]).is_anomaly else "normal"
    for kind in KINDS:
        if row_kind == kind:
            return kind
    raise PostTrainingError(f"kind {row_kind!r}: must be incident or normal, in the row or in the part")


def _below(part: ManifestPart, video: str) -> str:
    """The video's URL. A manifest may name what lies below its own folder, or below one that the part allows."""
    if not video:
        raise PostTrainingError("no video named")
    base = part.manifest.rpartition("/")[0]
    url = video if "://" in video or video.startswith("/") else storage.join(base, video)
    if ".." in PurePosixPath(url.replace("://", "/")).parts:
        raise PostTrainingError(f"{video}: no .. in a path")
    roots = (base, *part.allowed_inputs)
    if not any(url.startswith(storage.join(root, "")) for root in roots):
        raise PostTrainingError(
            f"{video}: lies outside {', '.join(roots)}; name its folder in the part's allowed_inputs"
        )
    return url


def _use(name: str, validation_share: float) -> Use:
    """The same for the same name, whatever else is in the part."""
    place = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32
    return "validate" if place < validation_share else "train"
