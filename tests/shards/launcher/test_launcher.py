"""Real torchrun, real ranks, real signals."""

import json
import os
import signal
import threading
import time
import uuid
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from its_core.clip import ClipRequest, Geometry, Outcome, Scene
from its_core.shards import batch, launcher
from its_core.shards.launcher import Launch, LaunchError
from its_core.shards.launcher.supervision import RunningLaunch
from its_core.shards.receipts import ClipFiles, clip_files
from its_core.video import read_frames

pytestmark = pytest.mark.system

MARK = uuid.uuid4().hex  # told to every launch, so that another test run's processes are not taken for ours
SCRIPT = str(Path(__file__).parent.parent / "troubled_worker.py")
GEOMETRY = Geometry(64, 48, 16, 5)


def jobs_of(work: Path, *prompts: str) -> list[batch.Job]:
    jobs = []
    for index, prompt in enumerate(prompts):
        clip_id = f"{index:024x}"
        request = ClipRequest(clip_id, f"scenario-{index}", 0, index, prompt, "", 7.0, GEOMETRY, Scene("cam"))
        jobs.append(batch.Job(request, clip_files(work, clip_id)))
    return jobs


def launch(processes: int = 1, clip_timeout_s: float = 60.0, script: str = SCRIPT, **more) -> Launch:
    settings = batch.EngineSettings("simulator", {}, "480", 10)
    return Launch(settings, processes, clip_timeout_s, script=script, environment={"ITS_TEST": MARK}, **more)


def run(work: Path, jobs: list[batch.Job], how: Launch, on_receipt=lambda _: None):
    return launcher.run(work / "shard", jobs, how, on_receipt, threading.Event())


def living_ranks() -> list[int]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("ITS_TEST") == MARK and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def wait_until(condition, limit_s: float = 60.0):
    deadline = time.monotonic() + limit_s
    while not (result := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
    return result


def rank_pids() -> list[int]:
    """Ranks proper: they have RANK in their environment."""
    found = []
    for pid in living_ranks():
        try:
            if "RANK" in psutil.Process(pid).environ():
                found.append(pid)
        except psutil.Error:
            continue
    return found


def test_every_way_a_clip_can_end_has_its_receipt(tmp_path):
    endings = {
        "ok": Outcome.GENERATED,
        "fail rejected_input": Outcome.REJECTED_INPUT,
        "fail guardrail_text": Outcome.GUARDRAIL_TEXT,
        "break-off": Outcome.GUARDRAIL_VIDEO,
        "fail out_of_memory": Outcome.OUT_OF_MEMORY,
        "no-memory": Outcome.OUT_OF_MEMORY,
        "raise": Outcome.ENGINE_ERROR,
        "ok again": Outcome.GENERATED,
    }
    heard = []
    jobs = jobs_of(tmp_path, *endings)
    receipts = run(tmp_path, jobs, launch(processes=2), heard.append)

    assert [receipt.outcome for receipt in receipts] == list(endings.values())
    assert sorted(receipt.clip_id for receipt in heard) == sorted(job.request.clip_id for job in jobs)
    assert {receipt.attempts[0].rank for receipt in receipts} == {0, 1}
    for job, receipt in zip(jobs, receipts, strict=True):
        assert job.files.read_receipt() == receipt
        assert job.files.video.exists() == receipt.outcome.made_a_clip
    assert receipts[6].reason == "RuntimeError: a fault of the engine's own [/at] [bold]"
    assert len(list(read_frames(jobs[0].files.video))) == GEOMETRY.frames
    assert not list(tmp_path.rglob("*.part"))
    assert living_ranks() == []


def test_a_second_run_renders_nothing_again(tmp_path):
    jobs = jobs_of(tmp_path, "ok", "ok again", "raise")
    first = run(tmp_path, jobs, launch())
    written = [job.files.video.stat().st_mtime_ns for job in jobs[:2]]
    second = run(tmp_path, jobs, launch())
    assert [job.files.video.stat().st_mtime_ns for job in jobs[:2]] == written
    assert second[:2] == first[:2]
    assert len(second[2].attempts) == 2  # what failed was tried again, and the first try is not forgotten


def test_a_receipt_is_read_again_only_when_it_has_changed(tmp_path, monkeypatch):
    jobs = jobs_of(tmp_path, "raise")
    run(tmp_path, jobs, launch())  # leaves a receipt that is not the next launch's
    reads = []
    read_receipt = ClipFiles.read_receipt

    def counted(files):
        reads.append(files.receipt)
        return read_receipt(files)

    monkeypatch.setattr(ClipFiles, "read_receipt", counted)
    running = RunningLaunch(tmp_path / "shard", jobs, launch(), lambda _: None)
    for _ in range(20):
        running._collect(list(running.waiting))
    assert len(reads) == 1
    assert list(running.waiting) == [jobs[0].request.clip_id]


def test_a_stuck_clip_is_timed_out_and_the_others_finish(tmp_path):
    jobs = jobs_of(tmp_path, "ok", "hang", "ok again", "ok last")
    receipts = run(tmp_path, jobs, launch(clip_timeout_s=10.0))
    assert [r.outcome for r in receipts] == [Outcome.GENERATED, Outcome.TIMED_OUT, Outcome.GENERATED, Outcome.GENERATED]
    assert receipts[1].reason == "no clip within 10 s"
    assert living_ranks() == []


def test_the_shards_own_limit_is_named_when_it_ends_clips(tmp_path):
    jobs = jobs_of(tmp_path, "hang", "ok")
    receipts = run(tmp_path, jobs, launch(shard_timeout_s=4.0))
    assert [receipt.outcome for receipt in receipts] == [Outcome.TIMED_OUT] * 2
    assert {receipt.reason for receipt in receipts} == {"the shard's limit of 4 s was reached"}


def test_a_rank_that_dies_costs_only_its_clip(tmp_path):
    jobs = jobs_of(tmp_path, "slow 1", "die", "ok", "ok again")
    receipts = run(tmp_path, jobs, launch(processes=2))
    assert [receipt.outcome.made_a_clip for receipt in receipts] == [True, False, True, True]
    assert receipts[1].outcome is Outcome.ENGINE_ERROR
    assert receipts[1].reason.startswith("its rank was killed by SIGKILL")


def test_torchrun_killed_from_outside_blames_no_clip(tmp_path):
    jobs = jobs_of(tmp_path, "ok", "slow 3", "ok last")
    outcome = {}
    thread = threading.Thread(target=lambda: outcome.update(receipts=run(tmp_path, jobs, launch())))
    thread.start()
    ranks = wait_until(rank_pids)
    wait_until(jobs[0].files.success_receipt)
    rendered = jobs[0].files.video.stat().st_mtime_ns
    os.kill(psutil.Process(ranks[0]).ppid(), signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(ranks[0]))  # the rank went with it
    thread.join(60)
    assert [receipt.outcome for receipt in outcome["receipts"]] == [Outcome.GENERATED] * 3
    assert [len(receipt.attempts) for receipt in outcome["receipts"]] == [1, 1, 1]
    assert jobs[0].files.video.stat().st_mtime_ns == rendered
    assert living_ranks() == []


def test_cancelling_ends_every_process(tmp_path):
    jobs = jobs_of(tmp_path, "hang", "hang")
    cancelled = threading.Event()
    raised = []

    def render():
        try:
            launcher.run(tmp_path / "shard", jobs, launch(processes=2), lambda _: None, cancelled)
        except InterruptedError as error:
            raised.append(error)

    thread = threading.Thread(target=render)
    thread.start()
    wait_until(lambda: len(rank_pids()) == 2)
    cancelled.set()
    thread.join(30)
    assert raised
    assert living_ranks() == []


def test_a_worker_that_refuses_to_start_stops_with_its_own_words(tmp_path):
    with pytest.raises(LaunchError, match=r"^the checkpoint is not one$"):
        run(tmp_path, jobs_of(tmp_path, "refuse", "ok"), launch())


def test_a_script_without_receipts_is_judged_by_its_files(tmp_path):
    script = tmp_path / "foreign.py"
    script.write_text(
        "import json, sys\n"
        "batch = json.load(open(sys.argv[sys.argv.index('--batch_input_json') + 1]))\n"
        "assert sys.argv[sys.argv.index('--num_gpus') + 1] == '1'\n"
        "open(batch[0]['output_video'], 'wb').write(b'a clip')\n"
    )
    jobs = jobs_of(tmp_path, "ok", "skipped")
    jobs[0].files.video.parent.mkdir(parents=True)
    receipts = run(tmp_path, jobs, launch(script=str(script)))
    assert [receipt.outcome for receipt in receipts] == [Outcome.GENERATED, Outcome.ENGINE_ERROR]
    assert receipts[0].record["observed"] is False
    assert "left no file" in receipts[1].reason


HOSTILE = ["--dit_path=/etc/passwd", "@file $(touch owned) `touch owned`;\ntouch owned", "-h"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_manifests_text_is_no_flag_and_no_command_of_a_script(tmp_path, text):
    script = tmp_path / "foreign.py"
    script.write_text(
        "import argparse, json, pathlib\n"
        "flags = argparse.ArgumentParser(fromfile_prefix_chars='@')\n"
        "for name in ('batch_input_json', 'num_gpus', 'seed', 'guidance', 'negative_prompt', 'dit_path'):\n"
        "    flags.add_argument('--' + name)\n"
        "given = flags.parse_args()\n"
        "(job,) = json.loads(pathlib.Path(given.batch_input_json).read_text())\n"
        "told = {'flag': given.negative_prompt, 'prompt': job['prompt'], 'dit_path': given.dit_path}\n"
        "pathlib.Path(job['output_video']).write_text(json.dumps(told))\n"
    )
    (job,) = jobs_of(tmp_path, text)
    job = batch.Job(replace(job.request, negative_prompt=text), job.files)
    job.files.video.parent.mkdir(parents=True)
    (receipt,) = run(tmp_path, [job], launch(script=str(script)))
    assert receipt.outcome is Outcome.GENERATED, receipt.reason
    assert json.loads(job.files.video.read_text()) == {"flag": text, "prompt": text, "dit_path": None}
    assert not list(tmp_path.rglob("owned")) and not Path("owned").exists()


def test_what_a_script_says_is_plain_text_in_the_receipt(tmp_path):
    script = tmp_path / "crashes.py"
    script.write_text("raise SystemExit('\\x1b]0;owned\\x07\\x1b[2J\\x1b[31mred\\u202e')\n")
    (receipt,) = run(tmp_path, jobs_of(tmp_path, "ok"), launch(script=str(script)))
    assert receipt.reason.isprintable()
    assert "\\x1b[31mred\\u202e" in receipt.reason


def test_a_script_that_crashes_says_why(tmp_path):
    script = tmp_path / "crashes.py"
    script.write_text("raise SystemExit('out of luck')\n")
    receipts = run(tmp_path, jobs_of(tmp_path, "ok"), launch(script=str(script)))
    assert receipts[0].outcome is Outcome.ENGINE_ERROR
    assert "out of luck" in receipts[0].reason
