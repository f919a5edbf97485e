"""The task ``reuse``: clips that an earlier version of the dataset holds are taken from there, not made again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from its_tasks.clip_table import ClipTable
from its_tasks.steps import step

from its_core import storage
from its_core.clip import ClipRequest, Outcome
from its_core.dataset import reader
from its_core.definition import Definition
from its_core.shards.plan import Plan, PlannedClip
from its_core.shards.receipts import ClipFiles, Receipt, clip_files, synthetic_attempt

_FETCHES_AT_ONCE = 8
_BATCH = 512  # clips


@step(name="reuse", task_run_name="reuse published clips of {definition.name}")
def reuse(definition: Definition, plan: Plan, clips: ClipTable) -> int:
    """Fetches published clips that the work folder lacks (a new machine, a cleared folder). Returns how many."""
    indices = {plan.clip_ids[index]: index for index in clips.without_receipt()}
    if not indices:
        return 0
    published = reader.clips_by_id(storage.join(definition.publish_url, definition.name), indices)

    def fetch(clip: PlannedClip) -> int:
        clip_id = clip.request.clip_id
        receipt = _fetch(published[clip_id], clip.request, clip_files(definition.work_path, clip_id))
        if receipt is None:
            return 0
        clips.update(receipt)
        return 1

    there = sorted(indices[clip_id] for clip_id in published)
    fetched = 0
    with ThreadPoolExecutor(_FETCHES_AT_ONCE) as pool:
        for start in range(0, len(there), _BATCH):  # so that not all requests are in memory
            fetched += sum(pool.map(fetch, plan.clips(there[start : start + _BATCH])))
    return fetched


def _fetch(published: reader.PublishedClip, request: ClipRequest, files: ClipFiles) -> Receipt | None:
    """Brings one clip in; one that is gone, or not what was published, is left to be made anew."""
    needed: list[tuple[str, Path, str | None]] = [(published.video_url, files.video, published.clip_sha256)]
    if published.annotations_url is not None:
        needed.append((published.annotations_url, files.annotations, published.annotations_sha256))
    try:
        for url, path, sha256 in needed:
            storage.download(url, path)
            if storage.sha256_file(path) != sha256:
                path.unlink()
                return None
    except (FileNotFoundError, storage.Damaged, storage.Changed):
        files.video.unlink(missing_ok=True)
        return None
    attempt = synthetic_attempt(Outcome.REUSED, f"from {published.video_url}", "reuse")
    return files.add_attempt(request, attempt, clip_sha256=published.clip_sha256, record=published.record)
