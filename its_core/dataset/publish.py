"""Publishes a version atomically: it is built in a staging folder, its marker last, then committed under its name.

On a disk the staging folder is ``<publish_url>/<dataset>/.staging`` and is renamed, so readers never see an incomplete
version. On S3 the publisher takes a lease on the version's folder and uploads the files, the marker last: a folder
without a marker is no version. ``latest.json`` is written after that. The next publisher removes what an interrupted
one left behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import orjson

from its_core import storage
from its_core.checks import suite
from its_core.checks.measures import table
from its_core.dataset import card, lineage
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.labels.label_rows import ANNOTATIONS_FOLDER
from its_core.dataset.lineage import Run
from its_core.dataset.pictures import contact_sheet
from its_core.dataset.versions import checksums, commit
from its_core.dataset.versions.content import Dataset, VersionContent, write_content
from its_core.dataset.versions.integrity import is_complete
from its_core.dataset.versions.version import LATEST_FILE, MARKER_FILE
from its_core.errors import FactoryError

REJECTED_FILE = "rejected.parquet"
REPORT_FOLDER = "report"  # not "validation": the Hugging Face builder would take that for a split
_MEASURES_FILE = "measures.parquet"
_STAGING = ".staging"
_LOCK = ".publishing"
_MOST_NAMED = 10


class PublishError(FactoryError, RuntimeError):
    """A version that must not be published; the message names the clips and the reasons."""

    default_code = "publish"


@dataclass(frozen=True, slots=True)
class Published:
    """A published version; ``was_there`` when an earlier build had published the same content."""

    url: str
    version: str
    clips: int
    was_there: bool

    @property
    def contact_sheet_url(self) -> str:
        return storage.join(self.url, contact_sheet.FILE_NAME)


def publish(clips: Iterable[FinishedClip], dataset: Dataset, rejected: Path, run: Run, work: Path) -> Published:
    """Publishes the clips, unless just this content is published already, and makes it the latest version.

    A version that lost files, or whose clips have another length, is published again under its name.

    Args:
        clips: in the order of the manifest. Iterated several times: a list, or an object with ``__iter__``.
        rejected: the manifest's ``rejected.parquet``.
        work: a local folder; versions for S3 are staged there.

    Raises:
        PublishError: there is no clip, or one does not match its receipt or does not pass its checks.
        storage.DiskFull: the version does not fit on this machine's disk.
        storage.Busy: another process of this machine publishes the same dataset, or another machine the same version.
    """
    root = storage.join(dataset.publish_url, dataset.name)
    local = storage.local_path(root) if storage.is_local(root) else work / "publish" / dataset.name
    staging = local / _STAGING
    with storage.exclusive(local / _LOCK), storage.room_for(root, staging):
        storage.remove_tree(str(staging))
        content = write_content(staging, clips, dataset, rejected)
        if not content.incidents:
            raise PublishError(f"{dataset.name}: no clip to publish", code="publish.no_clips")
        url = storage.join(root, content.version)
        sizes_bytes = {_clip_path(clip): clip.receipt.clip_bytes or 0 for clip in clips}
        was_there = is_complete(url, sizes_bytes)
        if not was_there:
            _complete(staging, clips, dataset, content, rejected, run)
            if storage.is_local(url):
                commit.commit_local(staging, storage.local_path(url))
            else:
                was_there = not commit.commit_s3(
                    staging, url, REPORT_FOLDER, lambda: is_complete(url, sizes_bytes), local
                )
        elif not storage.is_local(url):
            commit.release_stale_lease(url, local)
        storage.remove_tree(str(staging))
        latest = {"dataset": dataset.name, "version": content.version}
        storage.write_bytes(storage.join(root, LATEST_FILE), _as_json(latest))
    return Published(url, content.version, len(content.incidents), was_there)


def _complete(
    folder: Path, clips: Iterable[FinishedClip], dataset: Dataset, content: VersionContent, rejected: Path, run: Run
) -> None:
    """Adds everything else that belongs to the version, the marker last."""
    digests: dict[str, str | None] = dict(_gather(folder, clips))
    storage.link_or_copy(rejected, folder / REJECTED_FILE)
    _write_report(folder / REPORT_FOLDER, clips, dataset)
    _draw_contact_sheet(folder, clips, dataset, content)
    text = card.render(
        name=dataset.name,
        description=dataset.description,
        license_=dataset.license,
        geometry=dataset.geometry,
        engine=dataset.engine,
        counts=content.counts,
        rejected=content.rejected,
        columns=content.columns,
    )
    (folder / card.FILE_NAME).write_text(text, encoding="utf-8")
    for path in _content_files(folder):
        digests.setdefault(path, None)
    checksums.write(folder, digests.items())
    url = storage.join(dataset.publish_url, dataset.name, content.version)
    counts = dict(content.counts.clips) | {"rejected": content.rejected}
    event = lineage.event(run, dataset.name, content.version, url, counts)
    (folder / lineage.FOLDER / lineage.RUN_FILE).write_bytes(_as_json(event))
    marker = {
        "dataset": dataset.name,
        "version": content.version,
        "clips": dict(content.counts.clips),
        "checksums_sha256": storage.sha256_file(folder / checksums.FILE_NAME),
    }
    (folder / MARKER_FILE).write_bytes(_as_json(marker))


def _gather(folder: Path, clips: Iterable[FinishedClip]) -> Iterator[tuple[str, str]]:
    """Links every clip and its annotations into the folder; yields paths and digests."""
    with lineage.ClipLineageWriter(folder / lineage.FOLDER) as writer:
        for clip in clips:
            path = _clip_path(clip)
            storage.link_or_copy(clip.files.video, folder / path)
            digest = storage.sha256_file(folder / path)
            if digest != clip.receipt.clip_sha256:
                raise PublishError(
                    f"{clip.files.video}: SHA-256 is {digest}, its receipt says {clip.receipt.clip_sha256}; "
                    "the file was changed after it was made: delete it and build again",
                    code="publish.clip_changed",
                )
            yield path, digest
            if clip.has_annotations:
                path = f"{ANNOTATIONS_FOLDER}/{clip.clip_id}.json.gz"
                storage.link_or_copy(clip.files.annotations, folder / path)
                yield path, storage.sha256_file(folder / path)
            writer.add(clip)


def _clip_path(clip: FinishedClip) -> str:
    return f"{clip.planned.split}/{clip.clip_id}.mp4"


def _write_report(folder: Path, clips: Iterable[FinishedClip], dataset: Dataset) -> None:
    measures = {clip.clip_id: clip.measures for clip in clips}
    rows = table(measures)
    verdict = suite.validate(rows, list(measures), dataset.geometry, folder)
    rows.to_parquet(folder / _MEASURES_FILE, index=False)
    invalid = [f"{clip_id}: {'; '.join(reasons)}" for clip_id, reasons in verdict.reasons.items() if reasons]
    if invalid:
        raise PublishError(
            f"{dataset.name}: {len(invalid)} clips do not pass their checks\n  " + "\n  ".join(invalid[:_MOST_NAMED]),
            code="publish.clips_invalid",
        )


def _draw_contact_sheet(folder: Path, clips: Iterable[FinishedClip], dataset: Dataset, content: VersionContent) -> None:
    chosen = set(contact_sheet.choose(content.incidents))
    shown = [clip for index, clip in enumerate(islice(clips, max(chosen) + 1)) if index in chosen]
    total, geometry = len(content.incidents), dataset.geometry
    subtitle = (
        f"{f'{len(shown)} of {total}' if len(shown) < total else total} clips · {geometry.frames} frames at "
        f"{geometry.fps} a second · {geometry.width_px} x {geometry.height_px} · engine {dataset.engine.name}"
    )
    entries = [contact_sheet.Entry(clip.files.video, clip.annotations(), *_caption(clip)) for clip in shown]
    contact_sheet.draw(entries, dataset.name, subtitle, geometry).save(folder / contact_sheet.FILE_NAME)


def _caption(clip: FinishedClip) -> tuple[str, str]:
    request, record = clip.planned.request, clip.receipt.record
    scene = request.scene
    incident = scene.incident_type.replace("_", " ").capitalize() if scene.incident_type else "Incident not specified"
    conditions = [record.get(name) or getattr(scene, name) for name in ("weather", "light")]
    variant = f" v{request.variant}" if request.variant else ""
    details = [
        request.scenario_id + variant,
        f"camera {scene.camera_id}",
        ", ".join(word for word in conditions if word),
        clip.planned.split.value,
    ]
    return incident, " · ".join(part for part in details if part)


def _content_files(folder: Path) -> Iterator[str]:
    """Files that depend on the content alone: all but the run's lineage and Data Docs."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        runs_own = name.startswith((f"{lineage.FOLDER}/", f"{REPORT_FOLDER}/"))
        if path.is_file() and (not runs_own or path.name == _MEASURES_FILE):
            yield name


def _as_json(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
