"""Renders a published clip again, from what the version's lineage holds, and compares the two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal

import numpy as np
import orjson
import pyarrow.parquet as pq
from pyarrow import BufferReader

from its_core import storage
from its_core.clip import ClipRequest, EngineIdentity
from its_core.dataset import lineage
from its_core.dataset.lineage.clips import read_request
from its_core.dataset.local_files import LocalFiles
from its_core.dataset.reader import Version
from its_core.engines.engine import engine_module
from its_core.errors import FactoryError
from its_core.shards.first_frames import remake
from its_core.video import read_frames, write_mp4


class ReproductionError(FactoryError, ValueError):
    """A clip that cannot be rendered again here; the message says what is missing."""

    default_code = "reproduction"


@dataclass(frozen=True, slots=True)
class Reproduction:
    """``same``: bytes, pictures (a signature differs each time) or neither; ``first_difference`` is a frame from 0."""

    same: Literal["bytes", "pictures", "neither"]
    published_sha256: str
    rendered_sha256: str
    first_difference: int | None = None


def reproduce(
    version: Version,
    clip_id: str,
    folder: Path,
    options: Mapping[str, Any] | None = None,
    frame: Path | None = None,
) -> Reproduction:
    """Renders the clip into ``folder`` as ``<clip_id>.mp4``.

    Args:
        options: the engine's options; None: those in the lineage, which has no local paths.
        frame: the conditioning image or video, for a clip that starts from one. A frame that an engine made is made
            again where none is given.

    Raises:
        FirstFrameError: a frame that cannot be made again here.
        ReproductionError: no such clip, another engine version or weights, or a frame that is missing or another.
    """
    request, row = _request(version, clip_id), _row(version, clip_id)
    request = _with_frame(request, frame, folder)
    event = orjson.loads(storage.read_bytes(storage.join(version.url, lineage.FOLDER, lineage.EVENT_FILE)))
    configuration = event["job"]["facets"]["its_configuration"]
    definition = configuration["definition"]
    module = engine_module(row["engine"])
    chosen = definition["engine"]["options"] if options is None else options
    parsed = module.parse_options(dict(chosen), definition["resolution"], definition["fps"])
    _refuse_another_engine(module.identity(parsed), row)
    path = folder / f"{clip_id}.mp4"
    engine = module.load(parsed)
    try:
        engine.prepare([request])
        write_mp4(path, engine.generate(request).frames, request.geometry)
    finally:
        engine.close()
    return _compare(version, row, path)


def _request(version: Version, clip_id: str) -> ClipRequest:
    url = storage.join(version.url, lineage.FOLDER, lineage.CLIPS_FILE)
    table = pq.read_table(BufferReader(storage.read_bytes(url)), columns=["clip_id", "request"])
    for each in table.to_pylist():
        if each["clip_id"] == clip_id:
            return read_request(each["request"])
    raise ReproductionError(f"{version.url}: has no clip {clip_id[:40]!r}", code="reproduction.no_such_clip")


def _row(version: Version, clip_id: str) -> dict[str, Any]:
    for row in version.rows(
        ["clip_id", "split", "file_name", "clip_sha256", "engine", "engine_version", "weights_sha256"]
    ):
        if row["clip_id"] == clip_id:
            return row
    raise ReproductionError(f"{version.url}: the clip {clip_id[:40]!r} was not made", code="reproduction.not_made")


def _with_frame(request: ClipRequest, frame: Path | None, folder: Path) -> ClipRequest:
    if request.input_sha256 is None:
        return request
    if frame is None and request.input_origin is not None:
        frame = folder / "first_frame.png"  # not named by the id: a published file may hold any text there
        remake(request.input_origin, request.geometry, frame)
    if frame is None:
        raise ReproductionError(
            f"{request.clip_id}: starts from a frame with SHA-256 {request.input_sha256}: name its file with --frame",
            code="reproduction.frame_missing",
        )
    found = storage.sha256_file(frame)
    if found != request.input_sha256:
        raise ReproductionError(
            f"{frame}: SHA-256 is {found}, the clip starts from {request.input_sha256}", code="reproduction.frame"
        )
    return replace(request, input_path=str(frame))


def _refuse_another_engine(identity: EngineIdentity, row: Mapping[str, Any]) -> None:
    for name, here, published in (
        ("version", identity.version, row["engine_version"]),
        ("weights", identity.weights_sha256, row["weights_sha256"]),
    ):
        if here != published:
            raise ReproductionError(
                f"engine {identity.name}: {name} here is {here}, the clip was made with {published}",
                code=f"reproduction.{name}",
            )


def _compare(version: Version, row: Mapping[str, Any], path: Path) -> Reproduction:
    rendered = storage.sha256_file(path)
    published = str(row["clip_sha256"])
    if rendered == published:
        return Reproduction("bytes", published, rendered)
    with LocalFiles() as files:
        original = files.path(storage.join(version.url, row["split"], row["file_name"]))
        for number, (one, other) in enumerate(zip_longest(read_frames(original), read_frames(path))):
            if one is None or other is None or not np.array_equal(one, other):
                return Reproduction("neither", published, rendered, number)
    return Reproduction("pictures", published, rendered)
