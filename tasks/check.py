"""The task ``check``: every clip that was made is decoded and measured; what is not as asked is to be made again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from its_tasks.clip_table import ClipTable
from its_tasks.engines import ResolvedEngine, quality_gates
from its_tasks.reporting.progress import Progress
from its_tasks.steps import step

from its_core import storage
from its_core.checks import ledger, suite
from its_core.checks.measures import Measures, measure, table
from its_core.checks.perceptual_hash import near_duplicates
from its_core.clip import Outcome
from its_core.definition import Definition
from its_core.engines.engine import EngineFailure
from its_core.errors import FactoryError
from its_core.quality_gates import Gates
from its_core.shards import processors
from its_core.shards.plan import Plan, PlannedClip
from its_core.shards.receipts import clip_files, synthetic_attempt


class ClipsInvalid(FactoryError, RuntimeError):
    """Some clips are not what was asked for; the message says which and why."""

    default_code = "clips_invalid"


@step(name="check", task_run_name="check clips, try {attempt}")
def check(
    definition: Definition,
    engine: ResolvedEngine,
    plan: Plan,
    clips: ClipTable,
    attempt: int,  # noqa: ARG001 (it names the run)
    progress: Progress,
) -> None:
    """Measures the clips that no earlier check has seen. Raises ClipsInvalid, so that the run's page shows which and
    why; their receipts say ``invalid_output`` by then."""
    unmeasured = list(plan.clips(clips.unmeasured()))
    if not unmeasured:
        return
    with ThreadPoolExecutor(processors.available()) as pool:
        results = pool.map(lambda clip: (clip.request.clip_id, _measure(definition, engine, clip)), unmeasured)
        measured = dict(results)
    gates = quality_gates(definition, engine)
    verdict = suite.validate(table(measured), list(measured), definition.geometry, gates=gates)
    alike = _near_duplicates(gates, unmeasured, verdict, measured, plan, clips)
    invalid = []
    for clip in unmeasured:
        clip_id = clip.request.clip_id
        if reasons := [*verdict.reasons[clip_id], *alike.get(clip_id, ())]:
            invalid.append(f"{clip.request.scenario_id} v{clip.request.variant} ({clip_id}): {'; '.join(reasons)}")
            is_final = _would_be_the_same(definition, engine, clip, clips)
            _mark_invalid(definition, clip, "; ".join(reasons), is_final, clips, progress)
        elif receipt := clips.receipt(clip_id):
            ledger.write(clip_files(definition.work_path, clip_id), receipt, measured[clip_id])
            clips.set_measures(clip_id, measured[clip_id])
    if invalid:
        raise ClipsInvalid(" | ".join(invalid))


def _near_duplicates(
    gates: Gates,
    unmeasured: list[PlannedClip],
    verdict: suite.Verdict,
    measured: dict[str, Measures],
    plan: Plan,
    clips: ClipTable,
) -> dict[str, list[str]]:
    """Reasons against clips that look like another clip of the build, by clip."""
    if gates.near_duplicate_bits is None:
        return {}
    known = {clip_id: m.perceptual_hash for clip_id in plan.clip_ids if (m := clips.measures(clip_id)) is not None}
    valid = [clip for clip in unmeasured if not verdict.reasons[clip.request.clip_id]]
    new = {clip.request.clip_id: measured[clip.request.clip_id].perceptual_hash for clip in valid}
    pairs = {clip.request.clip_id: clip.pair_id for clip in plan.clips()} if known or len(new) > 1 else {}
    found = near_duplicates(known, new, gates.near_duplicate_bits, pairs)
    return {clip_id: [f"looks like clip {other} of the same build"] for clip_id, other in found.items()}


def _measure(definition: Definition, engine: ResolvedEngine, clip: PlannedClip) -> Measures:
    may_hold_text = engine.module.TRAITS.writes_text
    try:
        first_frame = engine.module.first_frame(engine.options, clip.request)
    except EngineFailure:  # the input was changed or removed since the clip was made from it: nothing to compare with
        first_frame, may_hold_text = None, True
    video = clip_files(definition.work_path, clip.request.clip_id).video
    return measure(video, definition.geometry, first_frame, clip.request.scene, may_hold_text)


def _would_be_the_same(definition: Definition, engine: ResolvedEngine, clip: PlannedClip, clips: ClipTable) -> bool:
    """Whether a clip that turned out wrong would turn out wrong again: the file is as the engine wrote it, and the
    engine is deterministic. Of a script nothing is known."""
    if not engine.module.TRAITS.is_deterministic or definition.engine.script is not None:
        return False
    receipt = clips.receipt(clip.request.clip_id)
    video = clip_files(definition.work_path, clip.request.clip_id).video
    return receipt is not None and receipt.clip_sha256 == storage.sha256_file(video)


def _mark_invalid(
    definition: Definition, clip: PlannedClip, reason: str, is_final: bool, clips: ClipTable, progress: Progress
) -> None:
    if is_final:
        reason += "; the engine would make the same clip again: give the row another seed or another scene"
    attempt = synthetic_attempt(Outcome.INVALID_OUTPUT, reason, "check", is_final=is_final)
    files = clip_files(definition.work_path, clip.request.clip_id)
    receipt = files.add_attempt(clip.request, attempt)
    clips.update(receipt)
    progress.clip_invalid(receipt)
