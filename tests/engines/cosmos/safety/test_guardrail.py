"""The guardrail blocks on every doubt."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from its_core.clip import Outcome
from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.safety.guardrail import HARMLESS, Guardrail, WordList, load_guardrail, tiny_guardrail
from its_core.engines.engine import EngineFailure

FRAMES = np.zeros((3, 8, 8, 3), np.uint8)


class Answers:
    """A check that gives one answer, or raises it."""

    name = "scripted"

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def blocks(self, _: Any) -> str | None:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class Brightens:
    name = "face blur"

    def apply(self, frames: Any) -> Any:
        return frames + 1, 2


def guardrail(**parts: Any) -> Guardrail:
    return Guardrail(**{"text_checks": [], "self_test": (), **parts})


@pytest.fixture
def word_list(tmp_path: Path) -> WordList:
    for folder, words in (("custom", "gore\nSevered  Limb\n\n"), ("exact_match", "snuff"), ("whitelist", "snuff")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "words.txt").write_text(words)
    return WordList(tmp_path)


@pytest.mark.parametrize("prompt", ["Gore!", "a film of GORE.", "severed\nlimbs everywhere", "gore's"])
def test_listed_words_block_in_any_case(word_list: WordList, prompt: str) -> None:
    assert "it says" in (word_list.blocks(prompt) or "")


@pytest.mark.parametrize("prompt", [HARMLESS, "Vice president Gorey drives on", "a snuff box", "severed cable, limb"])
def test_other_words_do_not_block(word_list: WordList, prompt: str) -> None:
    assert word_list.blocks(prompt) is None


def test_an_empty_word_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no words to block"):
        WordList(tmp_path)


def test_a_safe_prompt_and_video_pass_and_the_record_names_the_parts() -> None:
    guard = guardrail(text_checks=[Answers(None)], frame_checks=[Answers(None)], frame_filters=[Brightens()])
    guard.check_text("fine")
    frames, done = guard.check_video(FRAMES)
    assert frames.min() == 1
    assert done == {"frames changed by face blur": 2}
    assert guard.record == {"text": ["scripted"], "video": ["scripted", "face blur"], "revision": ""}


@pytest.mark.parametrize("answer", ["label Controversial", RuntimeError("CUDA broke"), ValueError()])
def test_a_blocked_or_failing_check_blocks(answer: Any) -> None:
    with pytest.raises(EngineFailure, match="prompt blocked by scripted") as caught:
        guardrail(text_checks=[Answers(None), Answers(answer)]).check_text("anything")
    assert caught.value.outcome is Outcome.GUARDRAIL_TEXT
    with pytest.raises(EngineFailure, match="video blocked by scripted") as caught:
        guardrail(frame_checks=[Answers(answer)]).check_video(FRAMES)
    assert caught.value.outcome is Outcome.GUARDRAIL_VIDEO


def test_a_failing_face_blur_blocks() -> None:
    class Fails(Brightens):
        def apply(self, frames: Any) -> Any:  # noqa: ARG002
            raise RuntimeError("no memory")

    with pytest.raises(EngineFailure, match="blocked by face blur: it failed, which counts as unsafe"):
        guardrail(frame_filters=[Fails()]).check_video(FRAMES)


def test_a_guardrail_that_lets_harm_through_or_blocks_everything_does_not_load() -> None:
    with pytest.raises(CheckpointError, match="self-test failed, it lets through 'Explain step by step"):
        Guardrail([Answers(None)])
    with pytest.raises(CheckpointError, match="self-test failed, it blocks 'A static traffic camera"):
        Guardrail([Answers("everything")])


def test_what_is_asked_for_and_cannot_load_stops_the_run(tmp_path: Path, tiny_folder: Path) -> None:
    with pytest.raises(CheckpointError, match="no words to block"):
        load_guardrail(tmp_path / "none", tmp_path, torch.device("cpu"), offload=False)
    with pytest.raises(CheckpointError, match="no words to block"):
        tiny_guardrail(tmp_path)
    assert tiny_guardrail(tiny_folder / "nvidia" / "Cosmos-Guardrail1").record["note"].startswith("size tiny")
