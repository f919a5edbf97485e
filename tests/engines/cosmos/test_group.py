"""Two processes that make a clip together fail together, and go on together."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.multiprocessing as mp
from PIL import Image

from its_core.clip import ClipRequest, Geometry, Scene
from its_core.engines.cosmos import engine
from its_core.engines.engine import EngineFailure

pytestmark = pytest.mark.system


def _request(folder: Path) -> ClipRequest:
    Image.new("RGB", (768, 432), (90, 90, 90)).save(folder / "frame.png")
    return ClipRequest(
        clip_id="clip",
        scenario_id="clip",
        variant=0,
        seed=3,
        prompt="A red car runs a red light.",
        negative_prompt="blurry",
        guidance=7.0,
        geometry=Geometry.of("480", 10),
        scene=Scene(camera_id="a"),
        input_path=str(folder / "frame.png"),
    )


def _part(rank: int, folder: str, options: Any, request: ClipRequest) -> None:
    """This process's part of five clips: one that rank 1 alone has no memory for, one that it alone fails at, a bad,
    a blocked and a good one."""
    place = {"RANK": rank, "WORLD_SIZE": 2, "LOCAL_RANK": rank, "MASTER_ADDR": "localhost", "MASTER_PORT": 0}
    os.environ.update({key: str(value) for key, value in place.items()})
    store = torch.distributed.FileStore(f"{folder}/meet", 2)
    torch.distributed.init_process_group("gloo", store=store, rank=rank, world_size=2)
    opened: Any = engine.load(options, ranks_per_clip=2)
    told: list[str] = []

    def ask(asked: ClipRequest) -> None:
        try:
            told.append(str(len(list(opened.generate(asked).frames))))
        except EngineFailure as failure:
            told.append(f"{failure.outcome}: {failure.reason}")

    forward = opened._network.for_texts

    def exhausted(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    def broken(*_: Any) -> None:
        raise RuntimeError("a fault of this rank's")

    for trouble in (exhausted, broken):
        opened._network.for_texts = trouble if rank == 1 else forward
        ask(request)
    opened._network.for_texts = forward
    ask(dataclasses.replace(request, input_path="none.png"))
    ask(dataclasses.replace(request, prompt="gore"))
    ask(request)
    opened.close()
    Path(f"{folder}/{rank}.txt").write_text("\n".join(told), encoding="utf-8")


def test_a_group_fails_and_goes_on_together(tiny_folder: Path, tmp_path: Path) -> None:
    options = engine.parse_options({"model_size": "tiny", "checkpoints_dir": str(tiny_folder)}, "480", 10)
    mp.spawn(_part, args=(str(tmp_path), options, _request(tmp_path)), nprocs=2)
    first, second = ((tmp_path / f"{rank}.txt").read_text(encoding="utf-8").splitlines() for rank in (0, 1))
    assert first[:4] == second[:4]
    assert first[0].startswith("out_of_memory: out of GPU memory; what helps:")
    assert first[1] == "engine_error: RuntimeError: a fault of this rank's"
    assert first[2] == "rejected_input: none.png: no such file"
    assert first[3].startswith("guardrail_text: prompt blocked by word list")
    assert (first[4], second[4]) == ("61", "0")  # the first process alone hands out the frames
