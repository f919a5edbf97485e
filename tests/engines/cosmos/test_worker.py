"""The guide's two commands as printed, with size tiny and local paths, under a real torchrun of two processes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from its_core.video import probe, read_frames

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[3]
LORA = "checkpoints/posttraining/video2world/tiny_metropolis/checkpoints/model/iter_000001000.pt"
HOW = [
    "--model_size", "tiny", "--dit_path", LORA, "--num_gpus", "2", "--use_lora", "--lora_rank", "16",
    "--lora_alpha", "16", "--lora_target_modules", "q_proj,k_proj,v_proj,output_proj,mlp.layer1,mlp.layer2",
]  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tiny_folder: Path) -> Path:
    """A working directory with the guide's folders."""
    folder = tmp_path_factory.mktemp("guide")
    (folder / "checkpoints").symlink_to(tiny_folder)
    (folder / "examples").symlink_to(ROOT / "examples")
    (folder / "frames").mkdir()
    for name, level in (("intersection_01.jpg", 60), ("highway_02.jpg", 190)):
        Image.fromarray(np.full((720, 1280, 3), level, np.uint8)).save(folder / "frames" / name)
    return folder


def torchrun(place: Path, *arguments: str, processes: int = 2) -> subprocess.CompletedProcess[str]:
    """The guide's command: its script's name, too."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    return subprocess.run(
        [*command, "examples/video2world_lora.py", *arguments],
        cwd=place,
        env=dict(os.environ, PYTHONPATH=str(ROOT), OMP_NUM_THREADS="1"),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def receipt(path: Path) -> Any:
    return json.loads(path.with_suffix(".receipt.json").read_text())


def test_the_guides_single_clip_is_made_by_both_processes_together(place: Path) -> None:
    done = torchrun(
        place, *HOW, "--input_path", "frames/intersection_01.jpg", "--prompt", "Your accident scenario description",
        "--save_path", "output/generated_accident.mp4", "--offload_guardrail", "--offload_prompt_refiner",
        "--resolution", "480", "--fps", "10",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    made = receipt(place / "output" / "generated_accident.mp4")
    assert made["attempts"][-1]["outcome"] == "generated"
    assert made["record"]["ranks_per_clip"] == 2
    said = probe(place / "output" / "generated_accident.mp4")
    assert (said.width_px, said.height_px, said.fps, said.declared_frames) == (768, 432, 10, 61)
    first = next(read_frames(place / "output" / "generated_accident.mp4"))
    assert abs(first.mean() - 60) < 12


def test_the_guides_batch_gives_each_process_clips_of_its_own(place: Path) -> None:
    batch = [
        {"input_video": "frames/intersection_01.jpg", "prompt": "A T-bone collision", "output_video": "output/a.mp4"},
        {"input_video": "frames/highway_02.jpg", "prompt": "A multi-vehicle pileup", "output_video": "output/b.mp4"},
        {"input_video": "frames/highway_02.jpg", "prompt": "A pileup with gore", "output_video": "output/c.mp4"},
    ]
    (place / "batch_scenarios.json").write_text(json.dumps(batch))
    done = torchrun(place, *HOW, "--batch_input_json", "batch_scenarios.json")
    assert "1 of 3 clips were not made" in done.stderr
    assert "c: guardrail_text: prompt blocked by word list: it says 'gore'" in done.stderr
    receipts = [receipt(place / "output" / f"{name}.mp4") for name in "abc"]
    assert [r["attempts"][-1]["outcome"] for r in receipts] == ["generated", "generated", "guardrail_text"]
    assert {r["attempts"][-1]["rank"] for r in receipts} == {0, 1}
    assert [r["record"].get("ranks_per_clip") for r in receipts] == [1, 1, None]
    for name, level in (("a", 60), ("b", 190)):
        said = probe(place / "output" / f"{name}.mp4")
        assert (said.width_px, said.height_px, said.fps, said.declared_frames) == (1280, 704, 16, 93)
        assert abs(next(read_frames(place / "output" / f"{name}.mp4")).mean() - level) < 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--lora_rank", "8"], "error: .*LoRA weights of rank 16, but --lora_rank says 8"),
        (["--context_parallel_size", "3"], "error: .*3 GPUs cannot share one clip"),
        (["--dit_path", "none.pt"], r"error: .*none\.pt is missing"),
    ],
)
def test_what_cannot_be_loaded_ends_in_one_line(place: Path, change: list[str], message: str) -> None:
    what = ["--input_path", "frames/highway_02.jpg", "--prompt", "x", "--save_path", "output/none.mp4"]
    done = torchrun(place, *HOW, "--num_gpus", "1", *change, *what, processes=1)
    assert done.returncode != 0
    assert re.search(message, done.stderr), done.stderr[-2000:]
    assert "Traceback" not in done.stderr.partition("torch.distributed.elastic")[0].partition("error: ")[0]
