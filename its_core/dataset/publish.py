"""Publishes a version atomically: it is built in a staging folder, its marker last, then committed under its name.

On a disk the staging folder is ``<publish_url>/<dataset>/.staging`` and is renamed, so readers never see an incomplete
version. On S3 the publisher takes a lease on the version's folder and uploads the files, the marker last: a folder
without a marker is no version. ``latest.json`` is written after that. The next publisher removes what an interrupted
one left behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from its_core import storage
from its_core.dataset.assembly import WriteAudit, assemble
from its_core.dataset.errors import PublishError
from its_core.dataset.finished_clip import FailedClip, FinishedClip
from its_core.dataset.layout import PAGE_FILE, clip_file_name
from its_core.dataset.lineage.run import Run
from its_core.dataset.pictures import contact_sheet
from its_core.dataset.versions import commit, latest, ownership
from its_core.dataset.versions.content import Dataset, write_content
from its_core.dataset.versions.integrity import is_complete

__all__ = ["PublishError", "Published", "publish"]

_STAGING = ".staging"
LOCK = ".publishing"


@dataclass(frozen=True, slots=True)
class Published:
    """A published version; ``was_there`` when an earlier build had published the same content."""

    url: str
    version: str
    clips: int
    was_there: bool

    @property
    def page_url(self) -> str:
        return storage.join(self.url, PAGE_FILE)

    @property
    def contact_sheet_url(self) -> str:
        return storage.join(self.url, contact_sheet.FILE_NAME)


def publish(
    clips: Iterable[FinishedClip],
    dataset: Dataset,
    rejected: Path,
    run: Run,
    work: Path,
    failed: Iterable[FailedClip] = (),
    *,
    make_latest: bool = True,
    write_audit: WriteAudit | None = None,
) -> Published:
    """Publishes the clips, unless just this content is published already, and makes it the latest version.

    A version that lost files, or whose clips have another length, is published again under its name.

    Args:
        clips: in the order of the manifest. Iterated several times: a list, or an object with ``__iter__``.
        rejected: the manifest's ``rejected.parquet``.
        work: a local folder; versions for S3 are staged there.
        failed: planned clips that were not made. Iterated twice.
        make_latest: False leaves the latest version as it is.
        write_audit: writes the report's audit; None: the report has none.

    Raises:
        PublishError: there is no clip, or one does not match its receipt or does not pass its checks.
        NameTaken: another dataset is published under this name.
        storage.DiskFull: the version does not fit on this machine's disk.
        storage.Busy: another process of this machine publishes the same dataset, or another machine the same version.
    """
    root = storage.join(dataset.publish_url, dataset.name)
    local = storage.local_path(root) if storage.can_rename(root) else work / "publish" / dataset.name
    staging = local / _STAGING
    with storage.exclusive(local / LOCK), storage.room_for(root, staging):
        ownership.refuse_taken_name(root, dataset.source)
        storage.remove_tree(str(staging))
        content = write_content(staging, clips, dataset, rejected, failed)
        if not content.incidents:
            raise PublishError(f"{dataset.name}: no clip to publish", code="publish.no_clips")
        url = storage.join(root, content.version)
        sizes_bytes = {_clip_path(clip): clip.receipt.clip_bytes or 0 for clip in clips}
        was_there = is_complete(url, sizes_bytes)
        if not was_there:
            assemble(staging, clips, failed, dataset, content, run, work, write_audit)
            if storage.can_rename(url):
                commit.commit_local(staging, storage.local_path(url))
            else:
                was_there = not commit.commit_s3(staging, url, lambda: is_complete(url, sizes_bytes), local)
        elif not storage.can_rename(url):
            commit.release_stale_lease(url, local)
        storage.remove_tree(str(staging))
        ownership.record(root, dataset.name, dataset.source)
        if make_latest:
            latest.promote(url, dataset.name, content.version)
    return Published(url, content.version, len(content.incidents), was_there)


def _clip_path(clip: FinishedClip) -> str:
    return f"{clip.planned.split}/{clip_file_name(clip.clip_id)}"
