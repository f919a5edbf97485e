"""torchrun's two agents on this machine, as two machines that share a folder."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.distributed import TCPStore

from its_core.engines.cosmos import engine as cosmos
from its_core.engines.cosmos.model.tiny import make_tiny_checkpoint
from its_core.shards.progress import RankProgress
from its_core.shards.receipts import ClipFiles
from its_core.shards.worker import command_line, multi_node
from its_core.shards.worker.rank import Rank, RankGroup
from its_core.video import read_frames

pytestmark = pytest.mark.system

Agents = list[subprocess.Popen[str]]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def agents(folder: Path, *flags: str) -> Iterator[Agents]:
    """The command that is typed on each of two machines, twice; what they say is in agent0.txt and agent1.txt."""
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nnodes=2", "--nproc_per_node=1", "--local-addr=127.0.0.1"),
        *("--rdzv-backend=c10d", f"--rdzv-endpoint=127.0.0.1:{free_port()}", "--rdzv-id=clips"),
        *("-m", "its_core.shards.worker", *flags),
    ]
    environment = dict(os.environ, OMP_NUM_THREADS="1")
    started: Agents = []
    try:
        for number in range(2):
            with (folder / f"agent{number}.txt").open("w") as said:
                started.append(
                    subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said, text=True)
                )
        yield started
    finally:
        for agent in started:
            agent.kill()
            agent.wait()


def ended(folder: Path, started: Agents) -> list[int]:
    """Their exit statuses."""
    statuses = [agent.wait(timeout=120) for agent in started]
    print(*((folder / f"agent{number}.txt").read_text() for number in range(2)))
    return statuses


def batch_of(folder: Path, clips: int, *bad: int) -> list[ClipFiles]:
    """A batch of small simulated clips in ``batch.json``; the engine knows no scene for the ``bad`` ones."""
    entries = [
        {
            "input_video": "",
            "prompt": "A camera shows a street.",
            "output_video": str(folder / "out" / f"{index}.mp4"),
            "scene": {"camera_id": "c", "incident_type": None if index in bad else "normal_traffic"},
            "geometry": {"width_px": 320, "height_px": 176, "fps": 10, "frames": 5},
        }
        for index in range(clips)
    ]
    (folder / "batch.json").write_text(json.dumps(entries))
    return [ClipFiles(Path(str(entry["output_video"]))) for entry in entries]


def test_when_one_machine_dies_the_other_ends_and_the_same_commands_share_what_is_left(tmp_path: Path) -> None:
    files = batch_of(tmp_path, 10, 9)
    flags = ("--batch_input_json", "batch.json")
    with agents(tmp_path, *flags) as started:
        while not any(file.success_receipt() for file in files):
            assert all(agent.poll() is None for agent in started)
            time.sleep(0.02)
        started[1].send_signal(signal.SIGKILL)
        assert started[0].wait(timeout=60) == 1
    assert "another machine of this launch (127.0.0.1) has ended early" in (tmp_path / "agent0.txt").read_text()
    made = {file.video: file.video.stat().st_mtime_ns for file in files if file.success_receipt()}
    assert 0 < len(made) < 9

    with agents(tmp_path, *flags) as started:
        assert ended(tmp_path, started) == [1, 1]
    for number in range(2):
        said = (tmp_path / f"agent{number}.txt").read_text()
        assert "error: 1 of 10 clips were not made\n9: rejected_input: " in said
        assert "another machine" not in said
    assert [file.success_receipt() is not None for file in files] == [True] * 9 + [False]
    assert {video: video.stat().st_mtime_ns for video in made} == made
    receipts = [receipt for file in files if (receipt := file.read_receipt())]
    fresh = [receipt.attempts[-1] for receipt, file in zip(receipts, files, strict=True) if file.video not in made]
    assert len({attempt.launch for attempt in fresh}) == 1
    assert [receipt.attempts[-1].rank for receipt in receipts] == [*[0, 1] * 4, 0, None]
    assert all(len(receipt.attempts) == 1 for receipt in receipts[:9])


@pytest.mark.parametrize("listens", [False, True])
def test_a_store_that_cannot_be_reached_or_says_nothing_is_told_with_what_is_needed(
    monkeypatch: pytest.MonkeyPatch, listens: bool
) -> None:
    limit = timedelta(seconds=1)
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False, timeout=limit) if listens else None
    port = store.port if store else free_port()
    told = {"RANK": 1, "WORLD_SIZE": 2, "LOCAL_RANK": 0, "LOCAL_WORLD_SIZE": 1, "GROUP_RANK": 1, "GROUP_WORLD_SIZE": 2}
    for name, value in (told | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}).items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(multi_node, "START_UP_LIMIT_S", limit.total_seconds())
    with pytest.raises(
        ValueError, match=rf"at 127\.0\.0\.1:{port} \(.*\): machines .* must reach each other"
    ) as raised:
        multi_node.join()
    assert "\n" not in str(raised.value)


def test_a_line_that_was_reset_before_it_was_watched_ends_the_machine_too() -> None:
    """Not even the other end's address is known then."""
    code = """
import socket, struct, time
from its_core.shards.worker.multi_node import _end_with
with socket.create_server(("127.0.0.1", 0)) as server:
    peer = socket.create_connection(server.getsockname())
    line, _ = server.accept()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()
    time.sleep(0.1)
    try:
        line.getpeername()
    except OSError:
        _end_with(line)
"""
    ended_early = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended_early.returncode == 1
    assert "another machine of this launch" in ended_early.stderr and "Traceback" not in ended_early.stderr


def test_one_clip_made_by_two_machines_is_that_of_one(tmp_path: Path) -> None:
    lora = make_tiny_checkpoint(tmp_path / "checkpoints")
    ramp = np.linspace(0, 255, 1280).astype(np.uint8)
    Image.fromarray(np.broadcast_to(ramp[None, :, None], (720, 1280, 3)).copy()).save(tmp_path / "frame.png")
    how = ["--model_size", "tiny", "--checkpoints_dir", str(tmp_path / "checkpoints")]
    how += ["--dit_path", str(lora), "--use_lora", "--resolution", "480", "--fps", "10"]
    what = ["--input_path", str(tmp_path / "frame.png"), "--prompt", "A T-bone collision", "--seed", "5"]
    with agents(tmp_path, *how, *what, "--num_gpus", "2", "--save_path", "two.mp4") as started:
        assert ended(tmp_path, started) == [0, 0]
    (job,), _ = command_line.jobs_of(
        command_line.parser().parse_args([*how, *what, "--save_path", str(tmp_path / "one.mp4")])
    )
    engine = cosmos.load(command_line.choose_engine(command_line.parser().parse_args(how), None).options)
    with torch.no_grad():
        Rank(engine, RankGroup(0, 1, 1), "alone", RankProgress(None, 0)).render([job])
    engine.close()

    one, two = (ClipFiles(tmp_path / name).success_receipt() for name in ("one.mp4", "two.mp4"))
    assert one is not None and two is not None
    assert (one.record["ranks_per_clip"], two.record["ranks_per_clip"]) == (1, 2)
    ours, theirs = (np.stack(list(read_frames(tmp_path / name))).astype(float) for name in ("two.mp4", "one.mp4"))
    assert np.linalg.norm(ours - theirs) / np.linalg.norm(theirs) < 1e-4
