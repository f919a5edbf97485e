"""The text encoder: each text once, padding of zeros, whole weights or none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.model.text_encoder import TOKENS, TextEncoder

CPU = torch.device("cpu")
PROMPT = "A white SUV brakes."


@pytest.fixture
def folder(tiny_folder: Path) -> Path:
    return tiny_folder / "google-t5" / "t5-11b"


def encoder(folder: Path) -> TextEncoder:
    return TextEncoder(folder, 32, CPU, torch.float32)


def test_an_embedding_has_512_tokens_and_zeros_past_the_text(folder: Path) -> None:
    embedding = encoder(folder).embedding(PROMPT)
    assert embedding.shape == (1, TOKENS, 32)
    used = int(embedding[0].abs().sum(dim=1).count_nonzero())
    assert 0 < used < 40
    assert not embedding[0, used:].any()


def test_texts_do_not_depend_on_what_is_encoded_beside_them(folder: Path) -> None:
    together = encoder(folder)
    together.learn([PROMPT, "A bus.", "x" * 4000, ""])
    assert torch.allclose(together.embedding(PROMPT), encoder(folder).embedding(PROMPT), atol=1e-6)
    assert together.embedding("x" * 4000)[0, -1].any()  # cut at 512 tokens


def test_each_text_is_encoded_once(folder: Path) -> None:
    texts = encoder(folder)
    texts.learn([PROMPT, PROMPT])
    first = texts.embedding(PROMPT)
    texts.release()
    assert texts._loaded is None
    assert torch.equal(texts.embedding(PROMPT), first)
    assert texts._loaded is None  # known by content, so the model was not needed again
    texts.embedding("something new")
    assert texts._loaded is not None


def test_an_encoder_that_is_not_whole_is_refused(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "t5"
    shutil.copytree(folder, broken)
    weights = load_file(broken / "model.safetensors")
    weights.pop("encoder.final_layer_norm.weight")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"1 weights are missing \(encoder\.final_layer_norm\.weight\)"):
        encoder(broken).embedding(PROMPT)
    (broken / "model.safetensors").unlink()
    with pytest.raises(CheckpointError, match="the T5 text encoder cannot be loaded"):
        encoder(broken).embedding(PROMPT)


def test_a_folder_that_is_not_there_is_never_taken_for_a_name_on_the_hub(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="google-t5/t5-11b: no folder with the T5 text encoder"):
        encoder(Path("google-t5/t5-11b"))
    with pytest.raises(CheckpointError, match=r"no readable config\.json"):
        encoder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"d_model": 512}))
    with pytest.raises(CheckpointError, match="in a width of 512, the network wants 32"):
        encoder(tmp_path)
