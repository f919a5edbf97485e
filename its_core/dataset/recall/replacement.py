"""A new version of a dataset: the clips that were not recalled, with their labels as they were published."""

from __future__ import annotations

import uuid
from pathlib import Path

from its_core.clip import Outcome
from its_core.dataset.assembly import WriteAudit
from its_core.dataset.finished_clip import FailedClip
from its_core.dataset.lineage.emit import reported
from its_core.dataset.publish import Published, publish
from its_core.dataset.reader import Version
from its_core.dataset.recall.published_clips import PublishedClips
from its_core.dataset.recall.published_run import PublishedRun, geometry_of, rejections
from its_core.dataset.versions import tombstones
from its_core.scenarios.manifest import write_rejections
from its_core.shards.receipts import synthetic_attempt, utc_now

_REJECTED_FILE = "rejected.parquet"


def publish_without_recalled(version: Version, work: Path, write_audit: WriteAudit | None = None) -> Published:
    """Publishes what is left of a version from which clips were recalled, and makes it the latest.

    It has the name that a build of the same manifest would give it. ``work`` is an empty local folder, on the disk of
    a local version so that clips are linked. ``write_audit`` as ``publish`` has it.

    At least one clip must be left. Raises what ``publish`` raises.
    """
    clips = PublishedClips.of(version, work)
    clips.fetch(clips.clip_ids)
    stones = {stone.clip_id: stone for stone in tombstones.read(version.url)}
    failed = [
        _recalled(each, stones[each.receipt.clip_id].reason) if each.receipt.clip_id in stones else each
        for each in clips.failed()
    ]
    failed.sort(key=lambda each: (each.planned.row, each.receipt.variant))  # the order of a build's plan
    published_run = PublishedRun(version)
    dataset = published_run.dataset(geometry_of(next(iter(clips.rows.values()))))
    write_rejections(work / _REJECTED_FILE, rejections(version))
    run_id = str(uuid.uuid4())
    with reported(run_id, dataset.name, work):
        run = published_run.run(run_id, utc_now())
        return publish(list(clips), dataset, work / _REJECTED_FILE, run, work, failed, write_audit=write_audit)


def _recalled(clip: FailedClip, reason: str) -> FailedClip:
    attempt = synthetic_attempt(Outcome.RECALLED, reason, "recall")
    receipt = clip.receipt.model_copy(update={"attempts": (*clip.receipt.attempts, attempt)})
    return FailedClip(clip.planned, receipt)
