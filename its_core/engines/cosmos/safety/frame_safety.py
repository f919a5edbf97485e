"""The guardrail's models that look at frames; they come with the package cosmos-guardrail.

That package fetches its weights by itself and lets through what it fails on; so only its networks and its arithmetic
are used here, on local files, and every doubt is an exception.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from cosmos_guardrail import cosmos_guardrail as nvidia  # type: ignore[import-not-found]
from PIL import Image
from transformers import SiglipModel, SiglipProcessor

from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.model.checkpoint import read_tensors
from its_core.engines.cosmos.model.pretrained import load_model, load_part
from its_core.engines.cosmos.placement import on_device
from its_core.engines.cosmos.safety.safety_checks import Frames

_LOOKS = 12  # frames that the classifier looks at, evenly spread: about two a second
_SAFE_CLASS = 0


class FrameSafety:
    """SigLIP features of a dozen frames through NVIDIA's classifier; any class but "safe" blocks."""

    name = "frame classifier"

    def __init__(self, folder: Path, device: torch.device, offload: bool) -> None:
        encoder = _siglip_folder(folder)
        self._device, self._offload = device, offload
        self._processor = load_part(SiglipProcessor, encoder, "image processor of the frame classifier")
        self._encoder = load_model(SiglipModel, encoder, "SigLIP encoder of the frame classifier", torch.float32)
        self._classifier = nvidia.VideoSafetyModel(nvidia.ModelConfig())
        weights = read_tensors(folder / "safety_filter.pt")
        self._classifier.load_state_dict(weights.get("model", weights), strict=True)
        self._classifier.eval()

    @torch.no_grad()
    def blocks(self, frames: Frames) -> str | None:
        looks = np.unique(np.linspace(0, len(frames) - 1, _LOOKS).round().astype(int))
        inputs = self._processor(images=[Image.fromarray(frames[i]) for i in looks], return_tensors="pt")
        with (
            on_device(self._encoder, self._device, self._offload),
            on_device(self._classifier, self._device, self._offload),
        ):
            features = self._encoder.get_image_features(pixel_values=inputs.pixel_values.to(self._device))
            features = getattr(features, "pooler_output", features)
            logits = self._classifier.network(features / features.norm(dim=-1, keepdim=True))
        if not bool(torch.isfinite(logits).all()):
            raise ValueError("the classifier's answer is not a number")
        classes = logits.argmax(dim=-1).tolist()
        unsafe = [(int(i), kind) for i, kind in zip(looks, classes, strict=True) if kind != _SAFE_CLASS]
        return f"frame {unsafe[0][0]} is of class {nvidia.CLASS_IDX_TO_NAME.get(unsafe[0][1])}" if unsafe else None


def _siglip_folder(folder: Path) -> Path:
    """The SigLIP encoder inside the guardrail's download, which keeps it as a hub cache."""
    found = sorted(folder.glob("models--google--siglip*/snapshots/*/config.json")) + sorted(
        folder.glob("siglip*/config.json")
    )
    if not found:
        raise CheckpointError(f"{folder}: no SigLIP encoder (models--google--siglip-so400m-patch14-384)")
    return found[0].parent


class FaceBlur:
    """RetinaFace finds faces and pixelates them."""

    name = "face blur"

    def __init__(self, file: Path, device: torch.device, offload: bool) -> None:
        self._device, self._offload = device, offload
        weights = read_tensors(file)
        weights = {key.removeprefix("module."): value for key, value in weights.get("state_dict", weights).items()}
        settings = dict(nvidia.cfg_re50, pretrain=False)
        # Its constructor downloads; the arithmetic needs only these three attributes.
        self._filter = nvidia.RetinaFaceFilter.__new__(nvidia.RetinaFaceFilter)
        torch.nn.Module.__init__(self._filter)
        self._filter.cfg, self._filter.batch_size, self._filter.confidence_threshold = settings, 1, 0.7
        self._filter.net = nvidia.RetinaFace(cfg=settings, phase="test")
        self._filter.net.load_state_dict(weights, strict=True)
        self._filter.eval()

    def apply(self, frames: Frames) -> tuple[Frames, int]:
        before = frames.copy()
        with on_device(self._filter, self._device, self._offload):
            after = self._filter.postprocess(frames)
        if after.shape != before.shape or after.dtype != np.uint8:
            raise ValueError(f"the face blur returned {after.shape} {after.dtype}")
        return after, int((after != before).any(axis=(1, 2, 3)).sum())
