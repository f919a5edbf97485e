"""The engine behind the seam, whole, at size tiny on the CPU."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from its_core import storage
from its_core.clip import ClipRequest, Geometry, Outcome, Scene
from its_core.engines.cosmos import engine
from its_core.engines.cosmos.generator import CosmosEngine
from its_core.engines.cosmos.model.tiny import BLOCKED_WORDS, LORA_CHECKPOINT
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.engine import EngineFailure, engine_module


@pytest.fixture(scope="module")
def options(tiny_folder: Path) -> CosmosOptions:
    chosen = {"model_size": "tiny", "checkpoints_dir": str(tiny_folder), "use_lora": True}
    return engine.parse_options(chosen | {"dit_path": str(tiny_folder / LORA_CHECKPOINT)}, "480", 10)


@pytest.fixture(scope="module")
def loaded(options: CosmosOptions) -> Iterator[CosmosEngine]:
    with torch.no_grad():
        opened = CosmosEngine(options)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture whose left half is dark and right half light."""
    path = tmp_path_factory.mktemp("frames") / "frame.jpg"
    levels = np.where(np.arange(768) < 384, 40, 210).astype(np.uint8)
    Image.fromarray(np.broadcast_to(levels[None, :, None], (432, 768, 3)).copy()).save(path)
    return path


@pytest.fixture
def request_(frame: Path) -> ClipRequest:
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
        input_path=str(frame),
    )


def failure(opened: CosmosEngine, request: ClipRequest) -> EngineFailure:
    with pytest.raises(EngineFailure) as caught:
        list(opened.generate(request).frames)
    return caught.value


def test_a_clip_has_its_geometry_starts_with_its_input_and_repeats(loaded: Any, request_: ClipRequest) -> None:
    loaded.prepare([request_])
    clip = loaded.generate(request_)
    frames = np.stack(list(clip.frames))
    assert frames.shape == (61, 432, 768, 3)
    assert frames.dtype == np.uint8
    assert abs(frames[0, :, :300].mean() - 40) < 12
    assert abs(frames[0, :, 468:].mean() - 210) < 12
    assert frames[30].std() > 8
    again = np.stack(list(loaded.generate(request_).frames))
    assert np.array_equal(frames, again)
    other = next(loaded.generate(dataclasses.replace(request_, prompt="A bus stops.")).frames)
    assert other.shape == (432, 768, 3)


def test_the_record_says_what_ran(loaded: Any, request_: ClipRequest) -> None:
    clip = loaded.generate(request_)
    for _ in clip.frames:
        pass
    record = clip.record
    assert record["is_stand_in"]
    assert record["lora"] == {"rank": 16, "alpha": 16, "targets": CosmosOptions().targets}
    assert record["guardrail"]["text"] == ["word list"]
    assert record["prompt_refiner"] == "none: size tiny has no refiner"
    assert (record["seed"], record["steps"], record["precision"], record["device"]) == (3, 4, "float32", "cpu")
    assert record["attention"]["name"] == "flash_attention"
    assert record["elementwise"] == "torch"
    assert record["shortcuts"] == {}
    assert {len(digest) for digest in record["weights"].values()} == {64}
    assert set(record["seconds"]) == {"prompt", "conditioning", "sampling", "decoding"}


def test_a_blocked_prompt_is_a_receipt_of_its_own(loaded: Any, request_: ClipRequest) -> None:
    blocked = dataclasses.replace(request_, clip_id="blocked", prompt=f"A crash with {BLOCKED_WORDS[1]}.")
    loaded.prepare([request_, blocked])
    failed = failure(loaded, blocked)
    assert failed.outcome is Outcome.GUARDRAIL_TEXT
    assert "prompt blocked by word list: it says 'gore'" in failed.reason
    assert next(loaded.generate(request_).frames).shape == (432, 768, 3)


def test_a_bad_input_is_rejected(loaded: Any, request_: ClipRequest, tmp_path: Path) -> None:
    (tmp_path / "no.jpg").write_text("no picture")
    failed = failure(loaded, dataclasses.replace(request_, input_path=str(tmp_path / "no.jpg")))
    assert failed.outcome is Outcome.REJECTED_INPUT
    failed = failure(loaded, dataclasses.replace(request_, geometry=Geometry.of("720", 16)))
    assert failed.outcome is Outcome.REJECTED_INPUT
    assert "1280×704 at 16 fps was asked of an engine that was loaded for --resolution 480 --fps 10" in failed.reason


def test_an_input_that_was_changed_after_planning_makes_no_clip_under_the_planned_name(
    loaded: Any, request_: ClipRequest, tmp_path: Path
) -> None:
    assert request_.input_path is not None
    path = tmp_path / "frame.png"
    Image.open(request_.input_path).save(path)
    planned = dataclasses.replace(request_, input_path=str(path), input_sha256=storage.sha256_file(path))
    assert next(loaded.generate(planned).frames).shape == (432, 768, 3)
    Image.new("RGB", (768, 432), "green").save(path)
    failed = failure(loaded, planned)
    assert failed.outcome is Outcome.ENGINE_ERROR
    assert failed.reason == f"{path}: was changed after the build was planned from it: build again"


def test_other_weights_make_no_clip_under_the_planned_name(options: CosmosOptions, request_: ClipRequest) -> None:
    others = engine.load(options, weights_sha256="0" * 64)
    for _ in range(2):  # held back at its end, and before it begins
        failed = failure(others, request_)
        assert failed.outcome is Outcome.ENGINE_ERROR
        assert failed.reason.startswith("the weights were changed after the build was planned")
    others.close()
    planned = engine.load(options, weights_sha256=engine.identity(options).weights_sha256)
    assert len(list(planned.generate(request_).frames)) == 61
    planned.close()


def test_out_of_memory_is_a_receipt_with_what_would_help(
    loaded: Any, request_: ClipRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(*_: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with monkeypatch.context() as patched:
        patched.setattr(loaded._network, "for_texts", exhausted)
        failed = failure(loaded, request_)
        assert failed.outcome is Outcome.OUT_OF_MEMORY
        assert (
            "--offload_guardrail, --offload_prompt_refiner, more GPUs a clip (--context_parallel_size)" in failed.reason
        )
    with monkeypatch.context() as patched:
        patched.setattr(loaded._vae, "decode", exhausted)
        assert failure(loaded, request_).outcome is Outcome.OUT_OF_MEMORY
    assert next(loaded.generate(request_).frames).shape == (432, 768, 3)  # and the next clip goes on


def test_a_blocked_video_is_a_receipt_of_its_own(
    loaded: Any, request_: ClipRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Blocks:
        name = "frame classifier"

        def blocks(self, frames: Any) -> str:
            return f"{len(frames)} frames of it"

    monkeypatch.setattr(loaded._guardrail, "frame_checks", [Blocks()])
    failed = failure(loaded, request_)
    assert (failed.outcome, failed.reason) == (
        Outcome.GUARDRAIL_VIDEO,
        "video blocked by frame classifier: 61 frames of it",
    )


SHORTCUTS: dict[str, Any] = {
    "precision": "fp8",
    "preset": "distilled",
    "guidance_sigma_min": 0.1,
    "guidance_sigma_max": 10.0,
    "step_cache": 2,
    "natten": True,
    "steps": 9,
}


def test_no_shortcut_changes_what_names_the_default_clips(options: CosmosOptions) -> None:
    name = engine.identity_without_weights(options)
    assert set(name.settings) == {
        "model_size", "steps", "num_conditional_frames", "lora", "guardrail", "prompt_refiner",
    }  # fmt: skip
    assert name.settings["steps"] == 4
    others = [
        engine.identity_without_weights(options.model_copy(update={key: value})) for key, value in SHORTCUTS.items()
    ]
    assert len({json.dumps(each.settings) for each in (name, *others)}) == len(SHORTCUTS) + 1
    assert "guidance" not in others[1].reads  # a distilled checkpoint is not guided


def test_shortcuts_make_other_clips_and_stand_in_the_record(options: CosmosOptions, request_: ClipRequest) -> None:
    frames = {}
    chosen = {
        "exact": {},
        "distilled": {"preset": "distilled"},
        "natten": {"natten": True},
        "fp8": {"precision": "fp8"},
    }
    for name, changes in chosen.items():
        opened = CosmosEngine(options.model_copy(update=changes))
        clip = opened.generate(request_)
        frames[name] = np.stack(list(itertools.islice(clip.frames, 9)))[5:].astype(int)
        opened.close()
        assert clip.record["shortcuts"] == changes
        assert clip.record["guidance"] == (0 if name == "distilled" else 7)
    assert clip.record["kept_in_16_bits"] == []
    assert all(0 < np.abs(frames[name] - frames["exact"]).mean() < 10 for name in ("distilled", "natten", "fp8"))


def test_identity_follows_what_changes_the_frames(options: CosmosOptions) -> None:
    name = engine.identity(options)
    assert name == engine.identity(options.model_copy(update={"offload_guardrail": True, "benchmark": True}))
    assert name.reads == {"prompt", "negative_prompt", "guidance", "input"}
    assert name.weights_sha256 != engine.identity(options.model_copy(update={"use_lora": False, "dit_path": ""}))
    for change in ({"num_conditional_frames": 5}, {"lora_alpha": 8.0}, {"disable_guardrail": True}):
        assert engine.identity(options.model_copy(update=change)).settings != name.settings


def test_the_seam(options: CosmosOptions) -> None:
    module = engine_module("cosmos")
    assert module.unsupported(Scene(camera_id="a"), has_input=True) is None
    assert module.unsupported(Scene(camera_id="a"), has_input=False).column == "input_image"
    assert "--use_lora" in module.script_flags(options)
    assert module.ranks_per_clip(options, ranks=4, clips=9) == 1


def test_sizes_that_need_a_gpu_say_so_before_loading_and_what_else_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="--model_size 2B needs a CUDA GPU, and this machine has none") as raised:
        engine.load(CosmosOptions(dit_path="none.pt"))
    assert "none.pt is missing" in str(raised.value)
    assert "\n" not in str(raised.value)
