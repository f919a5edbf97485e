"""What a clip is booked when its launch ends: its own seconds, not the launch's."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from its_core.clip import ClipRequest, Geometry, Outcome, Scene
from its_core.shards import batch
from its_core.shards.launcher import Launch, LaunchError, processes
from its_core.shards.launcher.clip_clock import Start
from its_core.shards.launcher.settlement import settle
from its_core.shards.launcher.supervision import Ended, RunningLaunch
from its_core.shards.progress import RankProgress, RankState
from its_core.shards.receipts import LAUNCH, clip_files

AGO_S = 100.0


def launched(work: Path, clips: int, **keys: Any) -> RunningLaunch:
    """A launch that has run for 100 s."""
    jobs = []
    for number in range(clips):
        clip_id = f"{number:024x}"
        request = ClipRequest(clip_id, f"s{number}", 0, 1, "P", "", 7.0, Geometry(64, 48, 16, 5), Scene("c"))
        jobs.append(batch.Job(request, clip_files(work, clip_id)))
    launch = Launch(batch.EngineSettings("simulator", {}, "480", 10), 1, 900.0, **keys)
    running = RunningLaunch(work / "shard", jobs, launch, lambda _: None)
    running.clock.launch = Start(running.clock.launch.at, time.monotonic() - AGO_S)
    (running.folder / "torchrun.log").touch()
    return running


def seen(running: RunningLaunch, number: int, seconds_ago: float) -> None:
    """A rank was seen rendering a clip."""
    clip_id = f"{number:024x}"
    running.clock.update([RankState(rank=0, state="rendering", clip_id=clip_id)])
    running.clock._starts[clip_id] = Start("then", time.monotonic() - seconds_ago)


def seconds(running: RunningLaunch) -> list[int]:
    return [round(receipt.attempts[-1].duration_s / 10) * 10 for receipt in running.receipts]


def test_a_clip_that_broke_its_rank_is_booked_from_its_own_start(tmp_path: Path):
    running = launched(tmp_path, 2)
    seen(running, 0, seconds_ago=20)
    RankProgress(str(running.folder), 0).starts(f"{0:024x}")
    settle(running, Ended(1))
    assert seconds(running) == [20]
    (receipt,) = running.receipts
    assert (receipt.outcome, receipt.attempts[-1].started_at, receipt.attempts[-1].broke_rank) == (
        Outcome.ENGINE_ERROR,
        "then",
        True,
    )


def test_of_clips_that_the_shards_limit_ends_only_those_that_had_begun_took_time(tmp_path: Path):
    running = launched(tmp_path, 3)
    seen(running, 1, seconds_ago=30)
    settle(running, Ended(-9, tuple(running.waiting), "the limit"))
    assert seconds(running) == [0, 30, 0]


def test_a_script_that_reports_nothing_shares_its_time_among_its_clips(tmp_path: Path):
    running = launched(tmp_path, 4, script="run.py")
    for job in list(running.waiting.values()):
        job.files.video.parent.mkdir(parents=True, exist_ok=True)
        job.files.video.write_bytes(b"a clip")
    settle(running, Ended(0))
    assert [receipt.outcome for receipt in running.receipts] == [Outcome.GENERATED] * 4
    assert sum(receipt.attempts[-1].duration_s for receipt in running.receipts) == pytest.approx(AGO_S, rel=0.2)


def test_a_refusal_is_an_error_of_the_launch_and_of_no_clip(tmp_path: Path):
    running = launched(tmp_path, 2)
    RankProgress(str(running.folder), 0).refuses("no such checkpoint")
    with pytest.raises(LaunchError, match="no such checkpoint") as raised:
        settle(running, Ended(1))
    assert (raised.value.code, running.receipts) == ("launch.refused", [])


def test_a_torchrun_that_was_killed_is_no_clips_fault(tmp_path: Path):
    running = launched(tmp_path, 2)
    settle(running, Ended(-9))
    assert running.receipts == []


def test_a_process_that_even_the_kernel_does_not_end_is_left_after_a_while(monkeypatch: pytest.MonkeyPatch, caplog):
    """As one that waits for a disk that is gone."""
    monkeypatch.setattr(processes, "TERMINATION_GRACE_S", 0.1)
    monkeypatch.setattr(processes, "KILL_LIMIT_S", 0.5)
    monkeypatch.setattr(psutil.Process, "kill", lambda _: None)
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(60)"
    stubborn = subprocess.Popen([sys.executable, "-c", code], env={LAUNCH: "stubborn"}, stdout=subprocess.PIPE)
    try:
        assert stubborn.stdout is not None and stubborn.stdout.readline() == b"\n"
        processes.end_launch(stubborn, "stubborn")
        assert stubborn.poll() is None
        assert str(stubborn.pid) in caplog.text
    finally:
        stubborn.kill()
        stubborn.wait()
