"""Whole builds through ``its build``: real Prefect, real torchrun, real kills."""

import base64
import hashlib
import io
import json
import os
import shutil
import signal
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from its_core.clip import Outcome
from tests.system.conftest import TROUBLED_WORKER, Dataset, wait_until

SCRIPT = {"engine": {"name": "simulator", "script": str(TROUBLED_WORKER)}}


def test_a_build_publishes_then_has_nothing_to_do_then_makes_what_was_added(dataset: Dataset):
    dataset.define(**SCRIPT, shard_size=2)
    dataset.ask(["ok"] * 3)
    first = dataset.build()
    assert first.returncode == 0, first.stdout + first.stderr
    assert "3 rows: 3 generated" in first.stdout
    clips, version = dataset.clips(), dataset.latest
    assert len(clips) == 3

    again = dataset.build()
    assert again.returncode == 0
    assert "3 rows: 3 reused" in again.stdout
    assert f"nothing to do: already published as {version}" in again.stdout
    assert dataset.clips() == clips

    dataset.ask(["ok"] * 5)
    more = dataset.build()
    assert more.returncode == 0
    assert "5 rows: 2 generated, 3 reused" in more.stdout
    assert {name: written for name, written in dataset.clips().items() if name in clips} == clips
    assert len(dataset.clips()) == 5
    assert dataset.latest != version
    assert version.exists()  # readers of the old version keep it


def test_what_fails_is_tried_again_alone_and_what_cannot_be_made_is_reported(dataset: Dataset, tmp_path):
    dataset.define(**SCRIPT, shard_size=8, retries=1, min_success_ratio=0.3)
    dataset.ask(["ok", "raise", f"die-once {tmp_path}/flag", "fail guardrail_text", "fail rejected_input", "ok"])
    done = dataset.build()
    assert done.returncode == 0, done.stdout + done.stderr
    receipts = dataset.receipts()
    tries = {name: [attempt["outcome"] for attempt in receipt["attempts"]] for name, receipt in receipts.items()}
    assert tries == {
        "s0": ["generated"],
        "s1": ["engine_error", "engine_error"],
        "s2": ["engine_error", "generated"],
        "s3": ["guardrail_text"],
        "s4": ["rejected_input"],
        "s5": ["generated"],
    }
    assert "6 rows: 1 engine_error, 3 generated, 1 guardrail_text, 1 rejected_input" in done.stdout
    assert "a fault of the engine's own [/at] [bold]" in done.stderr.replace("\n", " ")
    batches = [json.loads(path.read_text()) for path in dataset.folder.glob(".its/shards/*/*/batch.json")]
    assert sorted(len(batch) for batch in batches) == [1, 1, 3, 6]  # all; what the dead rank left; each failure alone

    page = dataset.run_page()
    assert page["lines"][0] == "plan: 6 clips from 6 rows"
    assert page["lines"][-2:] == [
        "1 engine_error, 3 generated, 1 guardrail_text, 1 rejected_input",
        f"published {dataset.latest}",
    ]
    assert len([line for line in page["lines"] if line.startswith("s1 v0: engine_error")]) == 2
    for row in ("| generated | 3 |", "| guardrail\\_text | 1 |", "| plan | ", "| render | ", "| publish | "):
        assert row in page["build"], page["build"]
    counts = {path.parent.name: len(pd.read_parquet(path)) for path in dataset.latest.glob("*/metadata.parquet")}
    assert all(f"| {split} | {count} |" in page["build"] for split, count in counts.items())
    assert (
        "- **s1 v0, engine\\_error**: RuntimeError: a fault of the engine's own \\[/at\\] \\[bold\\]\n" in page["build"]
    )
    assert (dataset.latest / "index.html").as_uri() in page["build"]
    head, _, picture = page["contact-sheet"].partition("base64,")
    assert head == "![contact-sheet](data:image/jpeg;"
    sheet = Image.open(io.BytesIO(base64.b64decode(picture.removesuffix(")"))))
    assert sheet.width <= 1280


def test_a_clip_that_is_not_what_was_asked_for_is_made_again_and_never_published(dataset: Dataset):
    dataset.define(**SCRIPT, retries=1, min_success_ratio=0.5)
    dataset.ask(["ok", "black"])
    done = dataset.build()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rows: 1 generated, 1 invalid_output" in done.stdout
    outcomes = [attempt["outcome"] for attempt in dataset.receipts()["s1"]["attempts"]]
    assert outcomes == ["generated", "invalid_output"] * 2
    assert "61 of 61 frames are black" in dataset.receipts()["s1"]["attempts"][-1]["reason"]
    assert [path.name for path in dataset.latest.glob("*/*/*.mp4")] == [f"{dataset.receipts()['s0']['clip_id']}.mp4"]


def test_a_cleared_work_folder_is_filled_from_what_is_published(dataset: Dataset):
    dataset.define(**SCRIPT)
    dataset.ask(["ok"] * 3)
    assert dataset.build().returncode == 0
    version, contents = dataset.latest, _contents(dataset.latest)
    shutil.rmtree(dataset.folder / ".its")
    again = dataset.build()
    assert again.returncode == 0, again.stderr
    assert "3 rows: 3 reused" in again.stdout
    assert not list(dataset.folder.glob(".its/shards/*"))  # nothing was rendered
    assert {receipt["attempts"][-1]["outcome"] for receipt in dataset.receipts().values()} == {"reused"}
    assert (dataset.latest, _contents(dataset.latest)) == (version, contents)

    shutil.rmtree(dataset.folder / ".its")
    next(version.glob("*/*/*.mp4")).unlink()  # somebody has damaged what was published: that clip is made anew
    mended = dataset.build()
    assert mended.returncode == 0, mended.stderr
    assert "3 rows: 1 generated, 2 reused" in mended.stdout


def test_real_frames_are_checked_and_carried_to_the_labels(dataset: Dataset):
    dataset.define(**SCRIPT, max_rejected_ratio=0.6)
    frames = dataset.folder / "frames"
    frames.mkdir()
    for number in range(2):
        Image.effect_noise((320, 180), 60 + number).convert("RGB").save(frames / f"camera_{number}.jpg")
    (frames / "torn.jpg").write_bytes((frames / "camera_0.jpg").read_bytes()[:900])
    (dataset.folder.parent / "private.jpg").write_bytes((frames / "camera_0.jpg").read_bytes())
    names = ["frames/camera_0.jpg", "frames/camera_1.jpg", "frames/torn.jpg", "../private.jpg", "frames/none.png"]
    dataset.ask(["ok"] * 5, input_image=names, site="north")
    done = dataset.build()
    assert done.returncode == 0, done.stderr
    assert "5 rows: 2 generated, 3 rejected_input" in done.stdout
    rows = pd.concat([pd.read_parquet(path) for path in dataset.latest.glob("*/metadata.parquet")])
    digests = {name: hashlib.sha256((dataset.folder / name).read_bytes()).hexdigest() for name in names[:2]}
    assert dict(zip(rows["input_image"], rows["input_sha256"], strict=True)) == digests
    assert set(rows["site"]) == {"north"}
    rejected = pd.read_parquet(dataset.latest / "rejected.parquet").set_index("scenario_id")
    assert set(rejected["column"]) == {"input_image"}
    assert "in none of the allowed inputs" in rejected.loc["s3", "reason"]


def _contents(version: Path) -> str:
    return (version / "checksums.sha256").read_text()


def test_too_many_failures_publish_nothing_and_say_why(dataset: Dataset):
    dataset.define(**SCRIPT, retries=0, min_success_ratio=0.9)
    dataset.ask(["ok", "raise"])
    done = dataset.build()
    assert done.returncode == 1
    assert "1 of 2 clips were not made: 50.0% succeeded, min_success_ratio is 90.0%" in done.stderr
    assert "s1 v0" in done.stderr and "a fault of the engine's own" in done.stderr
    assert dataset.run_page()["lines"][-1].startswith("TooFewClips: ")
    assert not dataset.published.exists()
    assert dataset.run_page()["build"].startswith("# Nothing is published")


def test_a_worker_that_refuses_ends_the_build_at_once(dataset: Dataset):
    dataset.define(**SCRIPT)
    dataset.ask(["refuse", "ok"])
    done = dataset.build()
    assert done.returncode == 1
    assert "error: the checkpoint is not one" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("victim", ["rank", "torchrun", "flow"])
def test_kill_9_in_the_middle_then_the_same_command_finishes(dataset: Dataset, victim: str):
    dataset.define(**SCRIPT, shard_size=6)
    dataset.ask(["slow 0.5"] * 6)
    flow = dataset.start("build", str(dataset.folder))
    wait_until(lambda: len(dataset.receipts()) >= 2)
    (rank,) = dataset.ranks()
    target = {"rank": rank, "torchrun": rank.parent(), "flow": rank.parent().parent()}[victim]
    before = dataset.clips()
    done_before = dataset.receipts()
    os.kill(target.pid, signal.SIGKILL)
    if victim == "flow":
        flow.wait(30)
        wait_until(lambda: not dataset.processes())  # nobody survives the flow
        assert not dataset.published.exists()
    else:
        assert flow.wait(120) == 0  # the build itself copes
    again = dataset.build()
    assert again.returncode == 0, again.stderr
    receipts = dataset.receipts()
    assert {receipt["attempts"][-1]["outcome"] for receipt in receipts.values()} == {Outcome.GENERATED}
    assert len(receipts) == 6
    for name, receipt in done_before.items():
        assert receipts[name] == receipt  # what was made was not made again
    assert {name: written for name, written in dataset.clips().items() if name in before}.items() >= {
        name: written for name, written in before.items() if name.removesuffix(".mp4") in _made(done_before)
    }.items()
    assert sum(len(pd.read_parquet(path)) for path in dataset.latest.glob("*/metadata.parquet")) == 6
    wait_until(lambda: not dataset.processes())


def _made(receipts: dict[str, dict]) -> set[str]:
    return {receipt["clip_id"] for receipt in receipts.values()}


@pytest.mark.parametrize("terminal", [False, True], ids=["to the build alone", "to its whole group, like Ctrl-C"])
def test_an_interrupted_build_leaves_nobody_behind_and_says_how_to_go_on(dataset: Dataset, terminal: bool):
    dataset.define(**SCRIPT)
    dataset.ask(["slow 60", "slow 60"])
    flow = dataset.start("build", str(dataset.folder))
    wait_until(dataset.ranks)
    (os.killpg if terminal else os.kill)(flow.pid, signal.SIGINT)
    output, _ = flow.communicate(timeout=120)
    assert flow.returncode == 130, output
    assert "the same command goes on where it stopped" in output
    wait_until(lambda: not dataset.processes())


def test_two_builds_of_one_dataset_do_not_run_at_once(dataset: Dataset):
    dataset.define(**SCRIPT)
    flag = dataset.folder / "second-has-ended"
    dataset.ask([f"wait-for {flag}"])
    first = dataset.start("build", str(dataset.folder))
    wait_until(dataset.ranks)
    second = dataset.build()
    assert second.returncode == 3
    assert "is held by process" in second.stderr and "wait until it has ended, or end it" in second.stderr
    # On a busy machine Prefect may add that it still sends events.
    assert [line for line in second.stderr.splitlines() if "EventsWorker" not in line] == second.stderr.splitlines()[:1]
    flag.touch()
    assert first.wait(120) == 0


def test_wrong_input_is_told_in_a_line_with_status_2(dataset: Dataset):
    missing = dataset.build()
    assert (missing.returncode, missing.stderr.count("\n")) == (2, 1)
    dataset.define(fps=12)
    wrong = dataset.build()
    assert wrong.returncode == 2
    assert "fps: 12: Input should be 10 or 16" in wrong.stderr
    dataset.define()
    unread = dataset.build()
    assert unread.returncode == 2
    assert "scenarios.parquet" in unread.stderr
    dataset.ask(["ok"], incident_type="meteor")
    unusable = dataset.build()
    assert unusable.returncode == 2
    assert "no usable row" in unusable.stderr and "meteor" in unusable.stderr
    assert "Traceback" not in missing.stderr + wrong.stderr + unread.stderr + unusable.stderr


def test_a_version_that_is_not_enough_like_another_one_is_not_made_the_latest(dataset: Dataset):
    dataset.define(**SCRIPT)
    dataset.ask(["ok"])
    assert dataset.build().returncode == 0
    exact = dataset.latest

    dataset.ask(["ok"], seed=2)  # the same scenarios, other pictures
    dataset.define(**SCRIPT, likeness={"against": str(exact), "ssim": 0.99})
    unlike = dataset.build()
    assert unlike.returncode == 0, unlike.stdout + unlike.stderr
    assert "the new version is not enough like" in unlike.stdout
    assert dataset.latest == exact

    dataset.define(**SCRIPT, likeness={"against": str(exact), "ssim": -1.0})
    enough = dataset.build()
    assert enough.returncode == 0, enough.stdout + enough.stderr
    assert "1 rows: 1 reused" in enough.stdout
    assert dataset.latest != exact
