"""The task ``reuse``: clips that an earlier version of the dataset holds are taken from there, not made again."""

from __future__ import annotations

from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from its_core import storage
from its_core.clip import ClipRequest, Outcome
from its_core.dataset import reader
from its_core.definition import Definition
from its_core.shards.plan import Plan
from its_core.shards.receipts import ClipFiles, files_of, found_by


@task(name="reuse", task_run_name="reuse published clips of {definition.name}", cache_policy=NO_CACHE)
def reuse(definition: Definition, plan: Plan) -> int:
    """Fetches published clips that the work folder lacks (a new machine, a cleared folder). Returns how many."""
    places = {
        clip_id: place
        for place, clip_id in enumerate(plan.clip_ids)
        if files_of(definition.work_path, clip_id).standing() is None
    }
    if not places:
        return 0
    published = reader.clips_by_id(storage.join(definition.publish_url, definition.name), places)
    fetched = 0
    for clip in plan.clips(sorted(places[clip_id] for clip_id in published)):
        found = published[clip.request.clip_id]
        fetched += _fetch(found, clip.request, files_of(definition.work_path, clip.request.clip_id))
    return fetched


def _fetch(found: reader.PublishedClip, request: ClipRequest, files: ClipFiles) -> bool:
    """Brings one clip in; one that is gone, or not what was published, is left to be made anew."""
    wanted: list[tuple[str, Path, str | None]] = [(found.video_url, files.video, found.clip_sha256)]
    if found.annotations_url is not None:
        wanted.append((found.annotations_url, files.annotations, found.annotations_sha256))
    try:
        for url, path, sha256 in wanted:
            storage.download(url, path)
            if storage.sha256_file(path) != sha256:
                path.unlink()
                return False
    except FileNotFoundError:
        return False
    attempt = found_by(Outcome.REUSED, f"from {found.video_url}", "reuse")
    files.add_attempt(request, attempt, clip_sha256=found.clip_sha256, record=found.record)
    return True
