"""Gathers everything that belongs to a version beside its rows into its folder, the marker last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from its_core import storage
from its_core.checks import suite
from its_core.checks.measures import table
from its_core.dataset import card, croissant, lineage
from its_core.dataset.errors import PublishError
from its_core.dataset.finished_clip import FailedClip, FinishedClip
from its_core.dataset.labels import metadata
from its_core.dataset.layout import (
    AGREEMENT_FILE,
    MEASURES_FILE,
    PAGE_FILE,
    REPORT_FOLDER,
    annotations_path,
    beside_path,
    clip_file_name,
)
from its_core.dataset.lineage import emit, events
from its_core.dataset.lineage.clips import ClipLineageWriter
from its_core.dataset.lineage.run import Run
from its_core.dataset.page import render as page
from its_core.dataset.pictures import contact_sheet
from its_core.dataset.versions import checksums
from its_core.dataset.versions.content import Dataset, VersionContent
from its_core.dataset.versions.version import MARKER_FILE
from its_core.engines.engine import engine_module
from its_core.observed.agreement import total
from its_core.taxonomy import Split

_MOST_NAMED = 10
# Writes into a folder (the third argument) what an audit of the clips in a version's folder (the first) says; the
# second is the version's name for people. Given from outside: the audit stands above this package.
WriteAudit = Callable[[Path, str, Path], None]


def assemble(
    folder: Path,
    clips: Iterable[FinishedClip],
    failed: Iterable[FailedClip],
    dataset: Dataset,
    content: VersionContent,
    run: Run,
    work: Path,
    write_audit: WriteAudit | None,
) -> None:
    """``folder`` holds the version's rows. Raises PublishError."""
    digests: dict[str, str | None] = dict(_gather(folder, clips, failed, run))
    checks = _write_report(folder / REPORT_FOLDER, clips, dataset)
    _write_agreement(folder / REPORT_FOLDER, clips)
    draw_contact_sheet(folder, clips, dataset, content)
    (folder / card.FILE_NAME).write_text(card.render(dataset, content), encoding="utf-8")
    for path in _content_files(folder):
        digests.setdefault(path, None)
    checksums.write(folder, digests.items())
    write_croissant(folder, dataset, content, _date(run))
    html = page.render(dataset, content, clips, failed, page.missing_rows(folder), has_audit=write_audit is not None)
    (folder / PAGE_FILE).write_text(html, encoding="utf-8")
    if write_audit is not None:
        write_audit(folder, f"{dataset.name}/{content.version}", folder / REPORT_FOLDER)
    _write_event(folder, clips, dataset, content, checks, run, work)
    runs_own = [path for path in _files(folder) if path not in digests and path != checksums.FILE_NAME]
    marker = {
        "dataset": dataset.name,
        "version": content.version,
        "description": dataset.description,
        "license": dataset.license,
        "engine": dataset.engine.name,
        "digital_source_type": digital_source_type(dataset),
        "date_published": _date(run),
        "clips": dict(content.counts.clips),
        "checksums_sha256": storage.sha256_file(folder / checksums.FILE_NAME),
        "run_files_sha256": {path: storage.sha256_file(folder / path) for path in runs_own},
    }
    (folder / MARKER_FILE).write_bytes(_as_json(marker))


def digital_source_type(dataset: Dataset) -> str:
    return engine_module(dataset.engine.name).DIGITAL_SOURCE_TYPE


def _gather(
    folder: Path, clips: Iterable[FinishedClip], failed: Iterable[FailedClip], run: Run
) -> Iterator[tuple[str, str]]:
    """Links every clip, its annotations and what was made beside it into the folder; yields paths and digests."""
    with ClipLineageWriter(folder / lineage.FOLDER, names_machine=run.names_machine) as writer:
        for clip in clips:
            path = f"{clip.planned.split}/{clip_file_name(clip.clip_id)}"
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
                path = annotations_path(clip.clip_id)
                storage.link_or_copy(clip.files.annotations, folder / path)
                yield path, storage.sha256_file(folder / path)
            for suffix, made in clip.files.beside():
                path = beside_path(clip.clip_id, suffix)
                storage.link_or_copy(made, folder / path)
                yield path, storage.sha256_file(folder / path)
            writer.add(clip.planned, clip.receipt)
        for missing in failed:
            writer.add(missing.planned, missing.receipt)


def _write_report(folder: Path, clips: Iterable[FinishedClip], dataset: Dataset) -> dict[str, Any]:
    """Returns Great Expectations' result."""
    measures = {clip.clip_id: clip.measures for clip in clips}
    rows = table(measures)
    verdict = suite.validate(rows, list(measures), dataset.geometry, folder, dataset.gates)
    rows.to_parquet(folder / MEASURES_FILE, index=False)
    invalid = [f"{clip_id}: {'; '.join(reasons)}" for clip_id, reasons in verdict.reasons.items() if reasons]
    if invalid:
        raise PublishError(
            f"{dataset.name}: {len(invalid)} clips do not pass their checks\n  " + "\n  ".join(invalid[:_MOST_NAMED]),
            code="publish.clips_invalid",
        )
    return dict(verdict.result)


def _write_agreement(folder: Path, clips: Iterable[FinishedClip]) -> None:
    """How well detections agree with the truth, over all clips that have both, by size."""
    observations = (clip.observation() for clip in clips)
    agreements = [each.agreement for each in observations if each is not None and each.agreement is not None]
    if agreements:
        (folder / AGREEMENT_FILE).write_bytes(_as_json([each.model_dump() for each in total(agreements)]))


def draw_contact_sheet(folder: Path, clips: Iterable[FinishedClip], dataset: Dataset, content: VersionContent) -> None:
    """Draws the sheet of the clips that ``contact_sheet.choose`` names; no other clip's file is read."""
    chosen = set(contact_sheet.choose(content.incidents))
    shown = [clip for index, clip in enumerate(islice(clips, max(chosen, default=-1) + 1)) if index in chosen]
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


def _write_event(
    folder: Path,
    clips: Iterable[FinishedClip],
    dataset: Dataset,
    content: VersionContent,
    checks: dict[str, Any],
    run: Run,
    work: Path,
) -> None:
    counts = dict(content.counts.clips) | {"rejected": content.rejected, "failed": content.failed}
    output = events.Output(
        dataset=dataset.name,
        version=content.version,
        url=storage.join(dataset.publish_url, dataset.name, content.version),
        columns=content.columns,
        clips=len(content.incidents),
        size_bytes=sum(clip.receipt.clip_bytes or 0 for clip in clips),
        counts=counts,
        checks=checks,
    )
    event = events.complete(run, output)
    (folder / lineage.FOLDER / lineage.EVENT_FILE).write_bytes(_as_json(events.as_dict(event)))
    emit.emit(event, work)


def _date(run: Run) -> str:
    return run.started_at[:10]


def write_croissant(folder: Path, dataset: Dataset, content: VersionContent, date_published: str) -> None:
    """``date_published`` is ISO 8601; the splits' ``metadata.parquet`` are in ``folder``."""
    splits = [split for split in Split if content.counts.clips[split.value]]
    described = croissant.Description(
        name=dataset.name,
        description=dataset.description,
        license=dataset.license,
        version=content.version,
        engine=dataset.engine.name,
        digital_source_type=digital_source_type(dataset),
        date_published=date_published,
        metadata_sha256={split: storage.sha256_file(folder / split / metadata.FILE_NAME) for split in splits},
        columns=content.columns,
    )
    (folder / croissant.FILE_NAME).write_bytes(_as_json(croissant.document(described)))


def _content_files(folder: Path) -> Iterator[str]:
    """Files that depend on the content alone: all but the run's lineage and Data Docs."""
    for name in _files(folder):
        runs_own = name.startswith((f"{lineage.FOLDER}/", f"{REPORT_FOLDER}/"))
        if not runs_own or name.endswith(f"/{MEASURES_FILE}"):
            yield name


def _files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def _as_json(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
