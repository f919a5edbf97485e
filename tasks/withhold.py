"""The task ``withhold``: clips that were recalled from the dataset are not made again, and not published."""

from __future__ import annotations

from its_tasks.clip_table import ClipTable
from its_tasks.engines import ResolvedEngine
from its_tasks.steps import step

from its_core import storage
from its_core.clip import Outcome
from its_core.dataset.recall import records
from its_core.definition import Definition
from its_core.shards.plan import Plan
from its_core.shards.receipts import Receipt, clip_files, synthetic_attempt


@step(name="withhold", task_run_name="withhold recalled clips of {definition.name}")
def withhold(definition: Definition, engine: ResolvedEngine, plan: Plan, clips: ClipTable) -> int:
    """Gives recalled clips a receipt of this build and removes what the work folder holds of them. Returns how many.

    The receipt is not stored: a recall that was taken back leaves nothing behind. Raises RecallError.
    """
    recalls = records.read(storage.join(definition.publish_url, definition.name))
    if not recalls:
        return 0
    withheld = 0
    for clip in plan.clips():
        recall = next((each for each in recalls if each.covers(clip, engine.identity.weights_sha256)), None)
        if recall is None:
            continue
        request, files = clip.request, clip_files(definition.work_path, clip.request.clip_id)
        for path in (files.receipt, files.measures, files.annotations, files.video):
            path.unlink(missing_ok=True)
        reason = f"recalled on {recall.recalled_at[:10]}" + (f": {recall.reason}" if recall.reason else "")
        clips.update(
            Receipt(
                clip_id=request.clip_id,
                scenario_id=request.scenario_id,
                variant=request.variant,
                attempts=(synthetic_attempt(Outcome.RECALLED, reason, "withhold"),),
            )
        )
        withheld += 1
    return withheld
