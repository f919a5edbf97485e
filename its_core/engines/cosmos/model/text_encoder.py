"""Prompts to embeddings with T5: each text once, the encoder on the GPU only while it works."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.model.pretrained import check_folder, load_model, load_part

WHAT = "T5 text encoder"
TOKENS = 512
_BATCH = 8


class TextEncoder:
    """T5's encoder from a local folder, loaded when the first new text comes.

    Embeddings are kept by content, in the CPU's memory and without their padding.
    """

    def __init__(self, folder: Path, width: int, device: torch.device, dtype: torch.dtype) -> None:
        if (given := check_folder(folder, WHAT).get("d_model")) != width:
            raise CheckpointError(f"{folder}: embeds texts in a width of {given}, the network wants {width}")
        self._folder, self._device, self._dtype = folder, device, dtype
        self._known: dict[str, Tensor] = {}
        self._loaded: tuple[Any, Any] | None = None

    @torch.no_grad()
    def learn(self, texts: Iterable[str], release: bool = False) -> None:
        """Encodes the texts that are new. Then the encoder waits on the CPU; with ``release`` it is dropped."""
        new = sorted(set(texts) - self._known.keys(), key=len)
        if not new:
            return
        if self._loaded is None:
            from transformers import AutoTokenizer, T5EncoderModel

            tokenizer = load_part(AutoTokenizer, self._folder, f"tokenizer of the {WHAT}")
            self._loaded = tokenizer, load_model(T5EncoderModel, self._folder, WHAT, self._dtype, self._device)
        tokenizer, model = self._loaded
        model.to(self._device)
        try:
            for first in range(0, len(new), _BATCH):
                batch = new[first : first + _BATCH]
                tokens = tokenizer(batch, max_length=TOKENS, padding="max_length", truncation=True, return_tensors="pt")
                mask = tokens.attention_mask.to(self._device)
                hidden_BND = model(input_ids=tokens.input_ids.to(self._device), attention_mask=mask).last_hidden_state
                for text, hidden_ND, length in zip(batch, hidden_BND, mask.sum(dim=1).tolist(), strict=True):
                    self._known[text] = hidden_ND[:length].cpu()
        finally:
            if release:
                self._loaded = None
            else:
                model.to("cpu")

    def embedding(self, text: str) -> Tensor:
        """1 × 512 × width on the device, zero past the text's own tokens."""
        return with_padding(self.without_padding(text)).to(self._device)

    def without_padding(self, text: str) -> Tensor:
        """The text's own tokens × width, on the CPU."""
        self.learn([text])
        return self._known[text]

    def release(self) -> None:
        """Drops the model; what it encoded stays."""
        self._loaded = None


def with_padding(text_ND: Tensor) -> Tensor:
    """1 × 512 × width, zero past the text's own tokens."""
    padded = torch.zeros(1, TOKENS, text_ND.shape[1], dtype=text_ND.dtype)
    padded[0, : text_ND.shape[0]] = text_ND
    return padded
