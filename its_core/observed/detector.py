"""An object detector of the transformers library, read from a folder on this machine; nothing is downloaded."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from its_core import storage
from its_core.annotations import Box
from its_core.errors import FactoryError
from its_core.video import Frame

_BATCH = 8  # frames at a time
# What takes part in traffic, in COCO's words and in those of the manifest's participants.
KINDS = {
    "person": "person",
    "pedestrian": "person",
    "bicycle": "rider",
    "cyclist": "rider",
    "motorcycle": "rider",
    "motorcyclist": "rider",
    **dict.fromkeys(("car", "bus", "truck", "train", "sedan", "hatchback", "suv", "pickup", "van", "taxi"), "vehicle"),
}


class DetectorError(FactoryError, ValueError):
    """A folder that holds no usable detector; the message says why."""

    default_code = "annotate.detector"


@dataclass(frozen=True, slots=True)
class Detection:
    """``type`` is one of ``KINDS``."""

    box: Box
    confidence: float
    type: str


class LocalDetector:
    """Finds what takes part in traffic. ``folder`` is what ``save_pretrained`` wrote: configuration, safetensors and
    the image processor. Raises DetectorError."""

    def __init__(self, folder: Path, min_confidence: float) -> None:
        self.folder, self.min_confidence = folder, min_confidence
        weights = sorted(folder.glob("*.safetensors"))
        if not (folder / "config.json").is_file() or not weights:
            raise DetectorError(
                f"{folder}: must be a folder with config.json, preprocessor_config.json and *.safetensors"
            )
        self.weights_sha256 = "+".join(storage.sha256_file(path) for path in weights)
        torch, transformers = importlib.import_module("torch"), importlib.import_module("transformers")
        transformers.utils.logging.disable_progress_bar()
        try:
            self._processor = transformers.AutoImageProcessor.from_pretrained(
                folder, local_files_only=True, backend="pil"
            )
            model, loaded = transformers.AutoModelForObjectDetection.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
        except (OSError, ValueError, KeyError) as error:
            raise DetectorError(f"{folder}: {str(error).splitlines()[0]}") from None
        if missing := sorted(loaded["missing_keys"]):
            raise DetectorError(f"{folder}: {len(missing)} weights are missing, first {missing[0]}")
        names = {int(number): str(name).lower() for number, name in model.config.id2label.items()}
        self._types = {number: name for number, name in names.items() if name in KINDS}
        if not self._types:
            raise DetectorError(f"{folder}: knows no class of traffic; at least one must be of {', '.join(KINDS)}")
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = model.eval().to(self._device)

    def detect(self, frames: Iterable[Frame]) -> Iterator[list[Detection]]:
        """What is found in each frame, the surest first."""
        remaining = iter(frames)
        while batch := list(islice(remaining, _BATCH)):
            yield from self._detect(batch)

    def _detect(self, frames: Sequence[Frame]) -> Iterator[list[Detection]]:
        torch = importlib.import_module("torch")
        with torch.inference_mode():
            inputs = self._processor(images=list(frames), return_tensors="pt").to(self._device)
            outputs = self._model(**inputs)
        sizes = [frame.shape[:2] for frame in frames]
        found = self._processor.post_process_object_detection(outputs, self.min_confidence, target_sizes=sizes)
        for frame, each in zip(frames, found, strict=True):
            yield self._in_frame(frame.shape, each)

    def _in_frame(self, shape: tuple[int, ...], found: dict[str, Any]) -> list[Detection]:
        boxes: NDArray[np.float64] = found["boxes"].cpu().numpy().astype(np.float64)
        boxes = np.clip(boxes, 0, [shape[1], shape[0], shape[1], shape[0]]).round(2)
        detections = [
            Detection((box[0], box[1], box[2], box[3]), round(float(score), 4), self._types[int(label)])
            for box, score, label in zip(boxes.tolist(), found["scores"], found["labels"], strict=True)
            if int(label) in self._types and box[2] > box[0] and box[3] > box[1]
        ]
        return sorted(detections, key=lambda detection: -detection.confidence)
