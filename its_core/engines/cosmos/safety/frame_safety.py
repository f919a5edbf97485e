"""The guardrail's models that look at frames: a classifier on SigLIP features, and a blur over faces.

The networks are those of NVIDIA's Cosmos guardrail, loaded from local files. Every doubt is an exception, which blocks.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from transformers import SiglipImageProcessorPil, SiglipVisionModel

from its_core.engines.cosmos.errors import CheckpointError
from its_core.engines.cosmos.model.checkpoint import check_keys, read_tensors
from its_core.engines.cosmos.model.pretrained import load_model, load_part
from its_core.engines.cosmos.placement import on_device
from its_core.engines.cosmos.safety.face_detector import RetinaFace
from its_core.engines.cosmos.safety.safety_checks import Frames

CLASSES = ("safe", "sexual content", "violence", "drugs", "child abuse", "hate and harassment", "self-harm")
_LOOKS = 12  # frames that the classifier looks at, evenly spread: about two a second
_MIN_FACE_PX = 20
_FACE_BLOCKS = 5  # a face is left with 5×5 colours


class _Classifier(nn.Module):
    """One of ``CLASSES`` from a normalised SigLIP feature; the key names of NVIDIA's ``safety_filter.pt``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs in ((width, 512), (512, 256)):
            layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU()]
        self.network = nn.ModuleDict({"layers": nn.Sequential(*layers, nn.Linear(256, len(CLASSES)))})

    def forward(self, features_ND: Tensor) -> Tensor:
        logits: Tensor = self.network["layers"](features_ND)
        return logits


class FrameSafety:
    """SigLIP features of a dozen frames through NVIDIA's classifier; any class but "safe" blocks."""

    name = "frame classifier"

    def __init__(self, folder: Path, device: torch.device, offload: bool) -> None:
        encoder = siglip_folder(folder)
        self._device, self._offload = device, offload
        self._processor = load_part(SiglipImageProcessorPil, encoder, "image processor of the frame classifier")
        self._encoder = load_model(SiglipVisionModel, encoder, "SigLIP encoder of the frame classifier", torch.float32)
        self._classifier = _Classifier(self._encoder.config.hidden_size)
        weights = read_tensors(folder / "safety_filter.pt")
        _load(self._classifier, weights.get("model", weights), folder / "safety_filter.pt")

    @torch.no_grad()
    def blocks(self, frames: Frames) -> str | None:
        looks = np.unique(np.linspace(0, len(frames) - 1, _LOOKS).round().astype(int))
        inputs = self._processor(images=[Image.fromarray(frames[i]) for i in looks], return_tensors="pt")
        with (
            on_device(self._encoder, self._device, self._offload),
            on_device(self._classifier, self._device, self._offload),
        ):
            features = self._encoder(pixel_values=inputs.pixel_values.to(self._device)).pooler_output
            logits = self._classifier(features / features.norm(dim=-1, keepdim=True))
        if not bool(torch.isfinite(logits).all()):
            raise ValueError("the classifier's answer is not a number")
        for look, kind in zip(looks, logits.argmax(dim=-1).tolist(), strict=True):
            if kind != CLASSES.index("safe"):
                return f"frame {look} is of class {CLASSES[kind]}"
        return None


def siglip_folder(folder: Path) -> Path:
    """The SigLIP encoder inside the guardrail's download, which keeps it as a hub cache. Raises CheckpointError."""
    found = sorted(folder.glob("models--google--siglip*/snapshots/*/config.json")) + sorted(
        folder.glob("siglip*/config.json")
    )
    if not found:
        raise CheckpointError(f"{folder}: no SigLIP encoder (models--google--siglip-so400m-patch14-384)")
    return found[0].parent


class FaceBlur:
    """RetinaFace finds faces; each becomes 5×5 blocks of one colour."""

    name = "face blur"

    def __init__(self, file: Path, device: torch.device, offload: bool) -> None:
        self._device, self._offload = device, offload
        weights = read_tensors(file)
        weights = {key.removeprefix("module."): value for key, value in weights.get("state_dict", weights).items()}
        self._detector = RetinaFace()
        _load(self._detector, weights, file)

    def apply(self, frames: Frames) -> tuple[Frames, int]:
        after, changed = frames.copy(), 0
        with on_device(self._detector, self._device, self._offload):
            for frame in after:
                changed += pixelate(frame, self._detector.faces(frame))
        return after, changed


def pixelate(frame_HW3: Frames, boxes: np.ndarray) -> bool:
    """Pixelates the boxes (left, top, right, bottom) in place, but for those smaller than 20 pixels; was there any?"""
    height_px, width_px = frame_HW3.shape[:2]
    changed = False
    for left, top, right, bottom in boxes.astype(int).tolist():
        if min(right - left, bottom - top) < _MIN_FACE_PX:
            continue
        rows, columns = slice(max(top, 0), min(bottom, height_px)), slice(max(left, 0), min(right, width_px))
        face = frame_HW3[rows, columns]
        if face.size:  # not outside the frame
            small = Image.fromarray(face).resize((_FACE_BLOCKS, _FACE_BLOCKS), Image.Resampling.BOX)
            frame_HW3[rows, columns] = np.asarray(small.resize(face.shape[1::-1], Image.Resampling.NEAREST))
            changed = True
    return changed


def _load(module: nn.Module, weights: dict[str, Tensor], file: Path) -> None:
    """Raises CheckpointError where the weights do not fit."""
    check_keys(file, {key: tuple(value.shape) for key, value in module.state_dict().items()}, weights)
    module.load_state_dict(weights, strict=True)
    module.eval().requires_grad_(False)
