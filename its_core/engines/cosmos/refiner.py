"""The prompt refiner: Cosmos-Reason1-7B looks at the first frame and writes the prompt out in detail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from its_core.clip import Outcome
from its_core.engines.cosmos.model.pretrained import check_folder, load_model, load_part, without_markers
from its_core.engines.cosmos.placement import on_device
from its_core.engines.engine import EngineFailure

WHAT = "prompt refiner (Cosmos-Reason1-7B)"
_INSTRUCTIONS = (
    "You write prompts for a video generator that continues the frame of a fixed traffic camera. Rewrite the user's "
    "prompt as one paragraph of at most 120 words. Keep every vehicle, person, colour, action and outcome that the "
    "prompt names, in their order, and add none. Describe the place, the light and the weather as the frame shows "
    "them. The camera does not move. Answer with the paragraph alone."
)
_ANSWER_TOKENS = 1024


class PromptRefiner:
    """Rewrites prompts with a local Cosmos-Reason1 folder; greedy, so the same prompt and frame give the same text."""

    def __init__(self, folder: Path, device: torch.device, offload: bool) -> None:
        check_folder(folder, WHAT)
        from transformers import AutoTokenizer, Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessorPil

        self._device, self._offload = device, offload
        dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self._tokenizer = load_part(AutoTokenizer, folder, f"tokenizer of the {WHAT}")
        # The processor that AutoProcessor picks needs torchvision; this one does not.
        self._images = load_part(Qwen2VLImageProcessorPil, folder, f"image processor of the {WHAT}")
        self._model = load_model(Qwen2_5_VLForConditionalGeneration, folder, WHAT, dtype)

    @torch.no_grad()
    def refine(self, prompt: str, frame_HW3: NDArray[np.uint8]) -> str:
        """The prompt in the model's words. Raises EngineFailure (``engine_error``) when it has none."""
        image = self._images(images=[Image.fromarray(frame_HW3)], return_tensors="pt").to(self._device)
        pads = int(image["image_grid_thw"].prod()) // self._images.merge_size**2
        tokens = self._tokenizer([_chat(prompt, pads)], return_tensors="pt").to(self._device)
        is_image = (tokens.input_ids == self._model.config.image_token_id).int()
        with on_device(self._model, self._device, self._offload):
            answer = self._model.generate(
                **tokens, **image, mm_token_type_ids=is_image, max_new_tokens=_ANSWER_TOKENS, do_sample=False
            )
        text: str = self._tokenizer.decode(answer[0][tokens.input_ids.shape[1] :], skip_special_tokens=True)
        refined = " ".join(text.rpartition("</think>")[2].split())
        if not refined:
            raise EngineFailure(Outcome.ENGINE_ERROR, f"the prompt refiner had no answer to {prompt!r}")
        return refined


def _chat(prompt: str, image_tokens: int) -> str:
    """Qwen's chat layout with room for one image."""
    image = f"<|vision_start|>{'<|image_pad|>' * image_tokens}<|vision_end|>"
    return (
        f"<|im_start|>system\n{_INSTRUCTIONS}<|im_end|>\n<|im_start|>user\n{image}{without_markers(prompt)}<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
