"""Reads published versions: rows, annotations, checksums, and clips that another build can reuse."""

from __future__ import annotations

import gzip
import hashlib
import logging
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.annotations import Annotations
from its_core.dataset import lineage
from its_core.dataset.labels import metadata
from its_core.dataset.layout import PAGE_FILE
from its_core.dataset.pictures import contact_sheet
from its_core.dataset.versions import checksums, ownership
from its_core.dataset.versions.version import LATEST_FILE, MARKER_FILE
from its_core.errors import FactoryError
from its_core.taxonomy import Split

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_ROWS_AT_ONCE = 128
_log = logging.getLogger(__name__)


class NotPublished(FactoryError, ValueError):
    """There is no published version; the message names the folder and the missing file."""

    default_code = "not_published"


@dataclass(frozen=True, slots=True)
class Version:
    """A published version: its folder and the content of its marker.

    ``run_files_sha256`` are the digests of files that tell of the build, not of the content. ``recalled`` counts the
    clips that were recalled from the version; ``clips`` counts those that are left.
    """

    url: str
    dataset: str
    version: str
    clips: dict[Split, int]
    checksums_sha256: str
    description: str = ""
    license: str = "other"
    engine: str = ""
    digital_source_type: str = ""
    date_published: str = ""
    run_files_sha256: Mapping[str, str] = field(default_factory=dict)
    recalled: int = 0

    @property
    def contact_sheet_url(self) -> str:
        return storage.join(self.url, contact_sheet.FILE_NAME)

    @property
    def page_url(self) -> str:
        return storage.join(self.url, PAGE_FILE)

    def table(self, split: Split, columns: list[str] | None = None) -> pa.Table:
        """The split's ``metadata.parquet``, all columns or some."""
        return _read_parquet(self._table_url(split), columns)

    def columns(self, split: Split) -> pa.Schema:
        """The columns of the split's ``metadata.parquet``."""
        with storage.open_input(self._table_url(split)) as file:
            return pq.read_schema(file)

    def rows(self, columns: list[str] | None = None, split: Split | None = None) -> Iterator[dict[str, Any]]:
        """The rows of a split or of all (train, val, test); some at a time are in memory."""
        for each in self.clips if split is None else (split,):
            with storage.open_input(self._table_url(each)) as file, pq.ParquetFile(file) as table:
                for batch in table.iter_batches(_ROWS_AT_ONCE, columns=columns):
                    yield from batch.to_pylist()

    def _table_url(self, split: Split) -> str:
        return storage.join(self.url, split.value, metadata.FILE_NAME)

    def annotations(self, row: dict[str, Any]) -> Annotations | None:
        """The ground truth of the clip of a row, None where it has none."""
        if row["annotations_path"] is None:
            return None
        packed = storage.read_bytes(storage.join(self.url, row["annotations_path"]))
        return Annotations.model_validate_json(gzip.decompress(packed))

    def damaged(self) -> list[str]:
        """Paths of files that are missing or do not match ``checksums.sha256``; the list itself is checked first."""
        listed = storage.read_bytes(storage.join(self.url, checksums.FILE_NAME))
        if hashlib.sha256(listed).hexdigest() != self.checksums_sha256:
            return [checksums.FILE_NAME]
        return [path for path, digest in checksums.read(listed.decode()).items() if self._digest(path) != digest]

    def _digest(self, path: str) -> str | None:
        url = storage.join(self.url, path)
        try:
            return storage.sha256(url)
        except FileNotFoundError:
            return None


@dataclass(frozen=True, slots=True)
class PublishedClip:
    """A clip of a published version; ``record`` is the engine's record of how it was made."""

    clip_id: str
    video_url: str
    clip_sha256: str
    annotations_url: str | None
    annotations_sha256: str | None
    record: dict[str, Any]


def latest(root_url: str) -> Version:
    """The latest version of the dataset published at ``<publish_url>/<dataset>``. Raises NotPublished."""
    url = storage.join(root_url, LATEST_FILE)
    try:
        name = orjson.loads(storage.read_bytes(url))["version"]
    except (FileNotFoundError, NotADirectoryError):
        raise NotPublished(
            f"{root_url}: nothing is published there (no {LATEST_FILE})", code="not_published.no_latest"
        ) from None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise NotPublished(f"{url}: does not name a version", code="not_published.bad_latest") from None
    if not _NAME.fullmatch(str(name)):
        raise NotPublished(f"{url}: {str(name)[:40]!r} is not a version's name", code="not_published.bad_latest")
    return open_version(storage.join(root_url, str(name)))


def open_version(url: str) -> Version:
    """The version in a folder. Raises NotPublished when its marker is missing or not readable."""
    try:
        marker = orjson.loads(storage.read_bytes(storage.join(url, MARKER_FILE)))
        return Version(
            url=url,
            dataset=marker["dataset"],
            version=marker["version"],
            clips={split: marker["clips"][split] for split in Split if split in marker["clips"]},
            checksums_sha256=marker["checksums_sha256"],
            description=marker["description"],
            license=marker["license"],
            engine=marker["engine"],
            digital_source_type=marker["digital_source_type"],
            date_published=marker["date_published"],
            run_files_sha256=marker["run_files_sha256"],
            recalled=int(marker.get("recalled", 0)),
        )
    except (FileNotFoundError, NotADirectoryError):
        raise NotPublished(f"{url}: no published version (no {MARKER_FILE})", code="not_published.no_marker") from None
    except (orjson.JSONDecodeError, KeyError, TypeError):
        marker_url = storage.join(url, MARKER_FILE)
        raise NotPublished(f"{marker_url}: is not a version's marker", code="not_published.bad_marker") from None


def version_or_latest(url: str) -> Version:
    """The version in a folder, or the latest one of a published dataset. Raises NotPublished."""
    try:
        return open_version(url)
    except NotPublished:
        return latest(url)


def versions(root_url: str) -> list[Version]:
    """All published versions of a dataset, by name."""
    opened = []
    for name in storage.list_folder(root_url):
        if name.startswith(".") or name in {LATEST_FILE, ownership.FILE_NAME}:
            continue
        try:
            opened.append(open_version(storage.join(root_url, name)))
        except NotPublished:
            continue
    return opened


def clips_by_id(root_url: str, clip_ids: Collection[str]) -> dict[str, PublishedClip]:
    """The clips among ``clip_ids`` that any published version of the dataset holds. A version that cannot be read is
    skipped with a warning."""
    clips: dict[str, PublishedClip] = {}
    for version in versions(root_url):
        missing = set(clip_ids) - clips.keys()
        if not missing:
            break
        try:
            clips |= _clips_of(version, missing)
        except (FileNotFoundError, ValueError, KeyError):  # Arrow's own errors are ValueErrors too
            _log.warning("%s cannot be read: none of its clips is reused", version.url)
    return clips


def _clips_of(version: Version, clip_ids: Collection[str]) -> dict[str, PublishedClip]:
    rows = version.rows(["clip_id", "file_name", "split", "clip_sha256", "annotations_path"])
    here = {row["clip_id"]: row for row in rows if row["clip_id"] in clip_ids}
    if not here:
        return {}
    digests = checksums.read(storage.read_bytes(storage.join(version.url, checksums.FILE_NAME)).decode())
    records = _read_parquet(storage.join(version.url, lineage.FOLDER, lineage.CLIPS_FILE))
    return {
        line["clip_id"]: _clip(version, here[line["clip_id"]], orjson.loads(line["engine_record"]), digests)
        for line in records.select(["clip_id", "engine_record"]).to_pylist()
        if line["clip_id"] in here
    }


def _clip(version: Version, row: dict[str, Any], record: dict[str, Any], digests: Mapping[str, str]) -> PublishedClip:
    path = row["annotations_path"]
    return PublishedClip(
        clip_id=row["clip_id"],
        video_url=storage.join(version.url, row["split"], row["file_name"]),
        clip_sha256=row["clip_sha256"],
        annotations_url=None if path is None else storage.join(version.url, path),
        annotations_sha256=None if path is None else digests[path],
        record=record,
    )


def _read_parquet(url: str, columns: list[str] | None = None) -> pa.Table:
    with storage.open_input(url) as file:
        return pq.read_table(file, columns=columns)
