"""Builds that did not finish, and the flow that finishes them; shards run under real torchrun."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from its_flows.build_dataset import build_dataset
from its_flows.retry_failed_shards import StillUnfinished, retry_failed_shards
from PIL import Image
from prefect.settings import PREFECT_API_URL

from its_core.clip import Outcome
from its_core.definition import DefinitionError
from its_core.engines.cosmos.model.tiny import make_tiny_checkpoint
from its_core.shards import build
from its_core.shards.receipts import TooFewClips
from tests.system.conftest import TROUBLED_WORKER, define, receipts, tries, wait_until

pytestmark = pytest.mark.usefixtures("prefect_server")


def killed_build(folder: Path) -> None:
    """Starts a build in a process of its own and kills it once a clip is there."""
    program = f"from its_flows.build_dataset import build_dataset; build_dataset({str(folder)!r}, {{'shard_size': 5}})"
    environment = {**os.environ, "PREFECT_API_URL": PREFECT_API_URL.value(), "PREFECT_LOGGING_LEVEL": "CRITICAL"}
    process = subprocess.Popen([sys.executable, "-c", program], env=environment)
    wait_until(lambda: receipts(folder))
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert len(receipts(folder)) < 4


def test_only_unfinished_builds_go_on_and_only_what_is_missing_is_made(tmp_path):
    datasets = tmp_path / "datasets"
    killed = define(datasets / "killed", ["ok", "slow 2", "slow 2", "slow 2"])
    killed_build(killed)
    (made,) = killed.glob(".its/clips/*/*.mp4")
    written = made.stat().st_mtime_ns
    blocked = define(datasets / "blocked", ["fail guardrail_text"])
    with pytest.raises(TooFewClips):
        build_dataset(str(blocked))
    failing = define(datasets / "failing", ["raise"])
    with pytest.raises(TooFewClips):
        build_dataset(str(failing))
    define(datasets / "never", ["ok"])

    with pytest.raises(StillUnfinished, match=r"failing: not finished: TooFewClips: 1 of 1 clips") as raised:
        retry_failed_shards(str(datasets))
    assert len(str(raised.value).split("not finished")) == 2  # it is the only one

    assert set(tries(killed)) == {"s0", "s1", "s2", "s3"}
    assert all(outcomes == ["generated"] for outcomes in tries(killed).values())
    assert made.stat().st_mtime_ns == written
    again = build.read(killed / ".its")
    assert again.state is build.BuildState.PUBLISHED
    assert again.overrides == {"shard_size": 5}  # what the killed build was called with
    assert tries(blocked) == {"s0": ["guardrail_text"]}  # a verdict is not asked for again
    assert tries(failing) == {"s0": ["engine_error", "engine_error"]}
    assert not (datasets / "never" / ".its").exists()

    (failing / "dataset.yaml").unlink()
    shutil.rmtree(again.url)
    became = retry_failed_shards(str(datasets))
    assert became[str(killed)] == f"finished: {again.url}"
    assert Path(again.marker).exists()
    assert all(outcomes == ["generated"] for outcomes in tries(killed).values())  # published again, not made again
    assert became[str(blocked)].startswith("left alone: not retriable: 1 of 1 clips were not made")
    assert became[str(datasets / "never")] == "left alone: never built"


def test_a_clip_that_breaks_its_rank_three_times_is_left_alone_until_its_receipt_is_deleted(tmp_path):
    folder = define(tmp_path / "small", ["ok", f"die-until {tmp_path}/flag"], retries=5, min_success_ratio=0.5)
    first = build_dataset(str(folder))
    assert first.outcomes[Outcome.ENGINE_ERROR] == 1
    quarantined = receipts(folder)["s1"]
    assert [attempt["broke_rank"] for attempt in quarantined["attempts"]] == [True, True, True]
    assert "quarantined: it broke its rank 3 times, delete " in quarantined["attempts"][-1]["reason"]
    assert "its rank was killed by SIGKILL" in quarantined["attempts"][0]["reason"]

    (tmp_path / "flag").touch()  # from now on it would be made
    assert build_dataset(str(folder)).outcomes[Outcome.ENGINE_ERROR] == 1
    assert receipts(folder)["s1"] == quarantined

    (receipt,) = folder.glob(f".its/clips/*/{quarantined['clip_id']}.receipt.json")
    assert str(receipt) in quarantined["attempts"][-1]["reason"]
    receipt.unlink()
    assert Outcome.ENGINE_ERROR not in build_dataset(str(folder)).outcomes


def test_clips_that_run_out_of_memory_are_tried_with_each_fallback_in_turn(tmp_path):
    checkpoints = tmp_path / "checkpoints"
    make_tiny_checkpoint(checkpoints)
    keys = {
        "retries": 2,
        "engine": {
            "name": "cosmos",
            "script": str(TROUBLED_WORKER),
            "options": {"model_size": "tiny", "checkpoints_dir": str(checkpoints)},
        },
        "out_of_memory_fallbacks": [
            {"options": {"offload_guardrail": True}},
            {"options": {"offload_guardrail": True, "offload_prompt_refiner": True}},
        ],
    }
    folder = define(tmp_path / "small", ["ok", "no-memory-unless --offload_prompt_refiner"], **keys)
    Image.new("RGB", (768, 432), "grey").save(folder / "frame.png")
    manifest = folder / "scenarios.parquet"
    pd.read_parquet(manifest).assign(input_image="frame.png").to_parquet(manifest)
    built = build_dataset(str(folder))
    assert built.outcomes[Outcome.GENERATED] == 2
    assert tries(folder) == {"s0": ["generated"], "s1": ["out_of_memory", "out_of_memory", "generated"]}


def test_a_fallback_that_would_make_other_clips_is_refused_before_anything_is_made(tmp_path):
    folder = define(tmp_path / "small", ["ok"], out_of_memory_fallbacks=[{"options": {"attempts": 3}}])
    with pytest.raises(DefinitionError, match=r"out_of_memory_fallbacks.0: would make other clips"):
        build_dataset(str(folder))
    assert not receipts(folder)
    assert build.read(folder / ".its").state is build.BuildState.WRONG_INPUT
