"""Takes clips out of a published version, where it is: tombstones first, the marker last.

Every file that shows or describes a recalled clip is written anew or removed, so that whoever reads the version finds
it complete, and without those clips. The report and the lineage stay: they say what was checked and tried. A withdrawal
that was interrupted is finished by the same call.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from its_core import storage
from its_core.dataset import card, croissant
from its_core.dataset.assembly import draw_contact_sheet, write_croissant
from its_core.dataset.labels import metadata
from its_core.dataset.labels.counts import Counts
from its_core.dataset.layout import PAGE_FILE, REJECTED_FILE, annotations_path, beside_prefix, clip_file_name
from its_core.dataset.page.withdrawal import without_clips
from its_core.dataset.pictures import contact_sheet
from its_core.dataset.reader import Version
from its_core.dataset.recall.published_clips import PublishedClips
from its_core.dataset.recall.published_run import PublishedRun, geometry_of
from its_core.dataset.versions import checksums, tombstones
from its_core.dataset.versions.content import VersionContent
from its_core.dataset.versions.tombstones import Tombstone
from its_core.dataset.versions.version import MARKER_FILE
from its_core.taxonomy import Split


def withdraw(version: Version, clip_ids: Collection[str], recalled_at: str, reason: str, scratch: Path) -> Version:
    """Leaves tombstones of the clips among ``clip_ids`` that the version holds.

    Args:
        recalled_at: ISO 8601.
        scratch: an empty local folder.

    Returns:
        The version as it is now.
    """
    digests = checksums.read(storage.read_bytes(storage.join(version.url, checksums.FILE_NAME)).decode())
    tables = {split: version.table(split) for split in Split if _labels_path(split) in digests}
    columns = next(iter(tables.values())).schema
    stones = _with_new(tombstones.read(version.url), tables, clip_ids, digests, recalled_at, reason)
    tombstones.write(version.url, stones, columns)
    gone = {stone.clip_id for stone in stones}
    left = {split: _without(table, gone) for split, table in tables.items()}
    _write_labels(version, left)
    _remove_files(version, stones, digests)
    counts = {split: table.num_rows for split, table in left.items() if table.num_rows}
    remaining = replace(version, clips=counts, recalled=len(stones))
    _write_descriptions(remaining, stones, columns, scratch)
    _write_marker(remaining, stones, digests)
    return replace(remaining, checksums_sha256=_digest(remaining, checksums.FILE_NAME))


def _labels_path(split: Split) -> str:
    return f"{split.value}/{metadata.FILE_NAME}"


def _with_new(
    before: list[Tombstone],
    tables: dict[Split, pa.Table],
    clip_ids: Collection[str],
    digests: dict[str, str],
    recalled_at: str,
    reason: str,
) -> list[Tombstone]:
    known = {stone.clip_id for stone in before}
    new = []
    for split, table in tables.items():
        rows = [row for row in table.to_pylist() if row["clip_id"] not in known]
        whole = tombstones.restored(rows, [stone for stone in before if stone.split == split])
        new += [
            Tombstone(row, position, digests.get(row["annotations_path"] or ""), recalled_at, reason)
            for position, row in enumerate(whole)
            if row["clip_id"] in clip_ids and row["clip_id"] not in known
        ]
    return [*before, *new]


def _without(table: pa.Table, clip_ids: Collection[str]) -> pa.Table:
    return table.filter(pc.invert(pc.is_in(table["clip_id"], pa.array(sorted(clip_ids), pa.string()))))


def _write_labels(version: Version, tables: dict[Split, pa.Table]) -> None:
    for split, table in tables.items():
        packed = pa.BufferOutputStream()
        pq.write_table(table, packed)
        storage.write_bytes(storage.join(version.url, _labels_path(split)), packed.getvalue().to_pybytes())


def _remove_files(version: Version, stones: list[Tombstone], digests: dict[str, str]) -> None:
    for path in _paths_of(stones, digests):
        storage.remove_tree(storage.join(version.url, path))


def _paths_of(stones: list[Tombstone], digests: dict[str, str]) -> set[str]:
    """The clips' files: pictures, annotations and what was made beside them."""
    paths = {f"{stone.split.value}/{clip_file_name(stone.clip_id)}" for stone in stones}
    paths |= {annotations_path(stone.clip_id) for stone in stones}
    prefixes = tuple(beside_prefix(stone.clip_id) for stone in stones)
    return paths | {path for path in digests if path.startswith(prefixes)}


def _write_descriptions(version: Version, stones: list[Tombstone], columns: pa.Schema, scratch: Path) -> None:
    """Page, contact sheet, card and Croissant, of the clips that are left."""
    html = storage.read_bytes(storage.join(version.url, PAGE_FILE)).decode()
    missing = [[None, stone.row["scenario_id"], "recalled", None, "", stone.reason] for stone in stones]
    left = sum(version.clips.values())
    page = without_clips(html, {stone.clip_id for stone in stones}, left, missing)
    (scratch / PAGE_FILE).write_text(page, encoding="utf-8")

    clips = PublishedClips.of(version, scratch)
    content = _content(version, clips, columns)
    dataset = PublishedRun(version).dataset(geometry_of(stones[0].row))
    clip_ids = clips.clip_ids
    clips.fetch(clip_ids[index] for index in contact_sheet.choose(content.incidents))
    draw_contact_sheet(scratch, clips, dataset, content)
    (scratch / card.FILE_NAME).write_text(card.render(dataset, content), encoding="utf-8")
    for split in version.clips:
        path = _labels_path(split)
        (scratch / split.value).mkdir(exist_ok=True)
        (scratch / path).write_bytes(storage.read_bytes(storage.join(version.url, path)))
    write_croissant(scratch, dataset, content, version.date_published)
    for name in (PAGE_FILE, contact_sheet.FILE_NAME, card.FILE_NAME, croissant.FILE_NAME):
        storage.write_bytes(storage.join(version.url, name), (scratch / name).read_bytes())


def _content(version: Version, clips: PublishedClips, columns: pa.Schema) -> VersionContent:
    counts = Counts()
    for row in clips.rows.values():
        counts.add(row)
    packed = storage.read_bytes(storage.join(version.url, REJECTED_FILE))
    rejected = pq.read_table(pa.BufferReader(packed), columns=["clip_id"])["clip_id"]
    failed = len(rejected) - rejected.null_count
    return VersionContent(version.version, counts, clips.incidents, rejected.null_count, failed, columns)


def _write_marker(version: Version, stones: list[Tombstone], before: dict[str, str]) -> None:
    """The list of checksums, then the marker that names it. Files that were damaged before stay listed as they were."""
    gone = _paths_of(stones, before)
    written_anew = [contact_sheet.FILE_NAME, card.FILE_NAME, tombstones.FILE_NAME]
    written_anew += [path for split in Split if (path := _labels_path(split)) in before]
    digests = {path: digest for path, digest in before.items() if path not in gone}
    digests |= {path: _digest(version, path) for path in written_anew}
    lines = "".join(f"{digest}  {path}\n" for path, digest in sorted(digests.items()))
    storage.write_bytes(storage.join(version.url, checksums.FILE_NAME), lines.encode())
    url = storage.join(version.url, MARKER_FILE)
    marker = orjson.loads(storage.read_bytes(url))
    marker["clips"] = {split.value: count for split, count in version.clips.items()}
    marker["recalled"] = version.recalled
    marker["checksums_sha256"] = hashlib.sha256(lines.encode()).hexdigest()
    for name in (PAGE_FILE, croissant.FILE_NAME):
        marker["run_files_sha256"][name] = _digest(version, name)
    storage.write_bytes(url, orjson.dumps(marker, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _digest(version: Version, path: str) -> str:
    return storage.sha256(storage.join(version.url, path))
