"""The guardrail's language model: Qwen3Guard, asked for its label."""

from __future__ import annotations

import re
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from its_core.engines.cosmos.model.pretrained import check_folder, load_model, load_part, without_markers
from its_core.engines.cosmos.placement import on_device

_ANSWER_TOKENS = 16


class PromptSafety:
    """Only the label "Safe" lets a prompt through; "Controversial" and anything else does not."""

    name = "Qwen3Guard"

    def __init__(self, folder: Path, device: torch.device, offload: bool) -> None:
        what = "prompt guard (Qwen3Guard-Gen)"
        check_folder(folder, what)
        self._device, self._offload = device, offload
        self._tokenizer = load_part(AutoTokenizer, folder, f"tokenizer of the {what}")
        self._model = load_model(AutoModelForCausalLM, folder, what, torch.bfloat16)

    @torch.no_grad()
    def blocks(self, prompt: str) -> str | None:
        chat = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": without_markers(prompt)}], tokenize=False
        )
        tokens = self._tokenizer([chat], return_tensors="pt").to(self._device)
        with on_device(self._model, self._device, self._offload):
            answer = self._model.generate(**tokens, max_new_tokens=_ANSWER_TOKENS, do_sample=False)
        text: str = self._tokenizer.decode(answer[0][tokens.input_ids.shape[1] :], skip_special_tokens=True)
        found = re.match(r"\s*Safety: (\w+)", text)
        label = found[1] if found else text
        return None if found and label == "Safe" else f"its label is {label!r}"
