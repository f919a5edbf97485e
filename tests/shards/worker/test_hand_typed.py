"""The worker's command typed again: what is current is left alone, what was asked for differently is made anew."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from its_core.shards.receipts import LAUNCH, ClipFiles

pytestmark = pytest.mark.system

SMALL = {"width_px": 320, "height_px": 176, "fps": 10, "frames": 5}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "cam7.mp4").write_bytes(b"the user's footage")
    return tmp_path


def run(folder: Path, *flags: str, **keys: object) -> subprocess.CompletedProcess[str]:
    """One rank, without torchrun."""
    entry = {"prompt": "A camera shows a street.", "output_video": "out.mp4", "geometry": SMALL}
    entry |= {"scene": {"camera_id": "c", "incident_type": "normal_traffic"}} | keys
    (folder / "batch.json").write_text(json.dumps([entry]))
    environment = {name: value for name, value in os.environ.items() if name != LAUNCH}
    command = [sys.executable, "-m", "its_core.shards.worker", "--batch_input_json", "batch.json", *flags]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_same_command_resumes_and_another_one_makes_the_clip_anew(folder: Path) -> None:
    files = ClipFiles(folder / "out.mp4")

    def written() -> int:
        return files.video.stat().st_mtime_ns

    first = run(folder, seed=1)
    assert first.returncode == 0, first.stderr
    made = written()
    receipt = files.success_receipt()
    assert receipt is not None and receipt.made_from is not None
    assert (receipt.made_from.request.seed, receipt.made_from.settings["attempts"]) == (1, 12)
    assert receipt.made_from.fingerprint.startswith("simulator ")

    again = run(folder, seed=1, negative_prompt="which the simulator does not read")
    assert "0 clips to make, 1 are there already" in again.stdout
    assert written() == made

    for change, flags in (({"seed": 2}, ()), ({"seed": 2}, ("--attempts", "3"))):
        other = run(folder, *flags, **change)
        assert other.returncode == 0, other.stderr
        assert f"was made from other {'engine' if flags else 'seed'}: it is made again" in other.stdout
        assert written() > made
        made = written()
        (receipt,) = [files.success_receipt()]
        assert receipt is not None and len(receipt.attempts) == 1


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        ({"input_video": "cam7.mp4", "output_video": "./cam7.mp4"}, "is the input of"),
        ({"output_video": "cam7.mp4"}, "is there already"),
        ({"output_video": "batch.json"}, "is the batch file"),
    ],
)
def test_nothing_of_the_users_is_overwritten(folder: Path, keys: dict[str, object], code: str) -> None:
    refused = run(folder, **keys)
    assert refused.returncode == 1
    assert code in refused.stderr and refused.stderr.count("\n") == 1
    assert (folder / "cam7.mp4").read_bytes() == b"the user's footage"
    assert not list(folder.glob("*.receipt.json"))


def test_an_engine_is_not_loaded_for_what_it_cannot_make(folder: Path) -> None:
    """There are no checkpoints here at all."""
    refused = run(folder, "--engine", "cosmos", "--model_size", "tiny")
    assert refused.returncode == 1
    assert "error: 1 of 1 clips were not made" in refused.stderr
    receipt = ClipFiles(folder / "out.mp4").read_receipt()
    assert receipt is not None and receipt.outcome == "rejected_input"
    assert "input_image is missing" in receipt.reason


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (["--guidance", "nan"], "--guidance: nan: must be from 0 to 20"),
        (["--guidance", "21"], "--guidance: 21.0: must be from 0 to 20"),
        (["--seed", "-1"], "--seed: -1: must be from 0 to 2147483647"),
        (["--negative_prompt", "x" * 3001], "--negative_prompt: 3001 characters long"),
        (["--engine", "simulator", "--model_size", "tiny"], "--model_size: belongs to the engine cosmos"),
    ],
)
def test_a_flag_is_checked_before_anything_is_loaded(folder: Path, flags: list[str], code: str) -> None:
    refused = run(folder, *flags)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: {code}") and refused.stderr.count("\n") == 1
