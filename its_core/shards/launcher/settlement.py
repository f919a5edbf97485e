"""Receipts for the clips that a launch's end left without one, where the launch's end is their fault."""

from __future__ import annotations

import re
import signal
import socket

from its_core import storage
from its_core.clip import Outcome
from its_core.provenance import code_version
from its_core.shards import batch, progress
from its_core.shards.launcher.clip_clock import Start
from its_core.shards.launcher.launch import LaunchError
from its_core.shards.launcher.supervision import Ended, RunningLaunch
from its_core.shards.receipts import Attempt


def settle(launched: RunningLaunch, ended: Ended) -> None:
    """Gives receipts to clips that took too long, broke their rank or were passed over by a launch that ended well.

    A torchrun that was killed from outside is no clip's fault. Raises LaunchError when the worker refused to start.
    """
    if ended.too_long:
        for clip_id in ended.too_long:
            record_failure(launched, launched.waiting[clip_id], Outcome.TIMED_OUT, ended.limit)
    elif ended.status == 0:
        for job in list(launched.waiting.values()):
            _settle_missing(launched, job)
    elif ended.status > 0:
        _settle_failure(launched, ended)


def _settle_failure(launched: RunningLaunch, ended: Ended) -> None:
    states = progress.read_all(launched.folder)
    if refusal := next((state.reason for state in states if state.state == "refused"), None):
        raise LaunchError(refusal, code="launch.refused")
    rendering = {state.clip_id for state in states if state.state == "rendering"}
    reason = failure_summary(launched, ended)
    for clip_id, job in list(launched.waiting.items()):
        # Without any progress it is a script that reports none, or a worker that could not even be imported.
        if not states or clip_id in rendering:
            record_failure(launched, job, Outcome.ENGINE_ERROR, reason, broke_rank=bool(states))


def _settle_missing(launched: RunningLaunch, job: batch.Job) -> None:
    """A receipt for a clip without one, after a launch that ended well."""
    script, video = launched.launch.script, job.files.video
    if script is None:
        record_failure(launched, job, Outcome.ENGINE_ERROR, "the worker ended without a receipt for this clip")
    elif not video.exists() or video.stat().st_size == 0:
        record_failure(launched, job, Outcome.ENGINE_ERROR, f"{script} left no file; see {launched.folder}")
    else:
        record_unverified(launched, job, script)


def record_unverified(launched: RunningLaunch, job: batch.Job, script: str) -> None:
    """A receipt for a clip of a script that writes none. What really ran is not known, and the record says so."""
    flags = list(launched.launch.script_flags)
    record = {"engine": "script", "script": script, "flags": flags, "observed": False}
    sha256 = storage.sha256_file(job.files.video)
    attempt = _attempt(launched, job, Outcome.GENERATED, "")
    launched.receive(job.files.add_attempt(job.request, attempt, clip_sha256=sha256, record=record))


def record_failure(
    launched: RunningLaunch, job: batch.Job, outcome: Outcome, reason: str, *, broke_rank: bool = False
) -> None:
    """A receipt for a clip that was not made."""
    attempt = _attempt(launched, job, outcome, reason, broke_rank)
    launched.receive(job.files.add_attempt(job.request, attempt))


def _attempt(
    launched: RunningLaunch, job: batch.Job, outcome: Outcome, reason: str, broke_rank: bool = False
) -> Attempt:
    start, duration_s = _own_time(launched, job)
    return Attempt(
        outcome=outcome,
        reason=reason,
        started_at=start.at,
        duration_s=round(duration_s, 3),
        rank=None,
        launch=launched.id,
        code_version=code_version(),
        host=socket.gethostname(),
        broke_rank=broke_rank,
    )


def _own_time(launched: RunningLaunch, job: batch.Job) -> tuple[Start, float]:
    """When the clip began and the seconds that it took. Where no rank reports what it renders, the launch's time is
    divided among its clips; a clip that was not begun took none."""
    clock = launched.clock
    if start := clock.start_of(job.request.clip_id):
        return start, start.elapsed_s
    if not clock.begun:
        return clock.launch, clock.launch.elapsed_s / launched.clips
    return clock.launch, 0.0


def failure_summary(launched: RunningLaunch, ended: Ended) -> str:
    """What is known of a failed launch's end, in a line."""
    if ended.status < 0:
        return f"torchrun was killed by {signal.Signals(-ended.status).name}; see {launched.folder}"
    # torchrun's own exit status is 1 whatever ended its rank; its report has the rank's.
    report = (launched.folder / "torchrun.log").read_text(errors="replace")
    if killed := re.search(r"exitcode\s*:\s*-(\d+)", report):
        return f"its rank was killed by {signal.Signals(int(killed[1])).name}; see {launched.folder}"
    last_line = next(reversed(_stderr_lines(launched)), f"exit status {ended.status}")
    return f"its rank ended early: {last_line}; see {launched.folder}"


def _stderr_lines(launched: RunningLaunch) -> list[str]:
    files = sorted(launched.folder.glob("*/attempt_*/*/stderr.log"))
    lines = [line.strip() for file in files for line in file.read_text(errors="replace").splitlines()]
    return [line for line in lines if line]
