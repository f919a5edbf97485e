"""A prepared training set: which clips, with what, from where; written once, read by every process that trains."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from its_core import storage
from its_core.clip import Geometry
from its_core.errors import FactoryError
from its_core.post_training.data.artefacts import ArtefactStore
from its_core.post_training.data.clips import Kind, Refusal, SourceClip, Use
from its_core.post_training.data.receipts import ClipReceipt

FILE_NAME = "training_set.json"


class _Record(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainingClip(_Record):
    """A clip that can be learnt from. Paths are of its latents and its caption's embedding.

    ``fps`` and ``size_px`` are of its file; a resampled clip was brought from that rate to the model's.
    """

    name: str
    kind: Kind
    use: Use
    caption: str
    video_sha256: str
    event_s: float | None
    windows: tuple[int, ...]
    latents: Path
    text: Path
    origin: dict[str, Any]
    fps: float | None = None
    size_px: tuple[int, int] | None = None
    resampled: bool = False

    @property
    def identity(self) -> list[object]:
        """What must be the same for two runs to learn the same from it."""
        return [self.name, self.kind, self.use, self.caption, self.video_sha256, self.event_s, list(self.windows)]


class TrainingSet(_Record):
    """``sha256`` is of all clips' content, captions and uses; ``refused`` are the clips that are left out.

    ``negative_text`` is the embedding of the negative prompt, for the sample clips.
    """

    sha256: str
    clips: tuple[TrainingClip, ...]
    refused: tuple[ClipReceipt, ...]
    negative_text: Path

    def used(self, use: Use) -> list[TrainingClip]:
        return [clip for clip in self.clips if clip.use == use]

    def counts(self) -> dict[str, int]:
        """Clips by use and kind, and the refused ones by code."""
        kept = Counter(f"{clip.use} {clip.kind}" for clip in self.clips)
        left_out = Counter(f"refused {receipt.code}" for receipt in self.refused)
        return dict(sorted(kept.items())) | dict(sorted(left_out.items()))

    def adapted(self, geometry: Geometry) -> list[str]:
        """A line for each rate that clips were resampled from, and for each size that was scaled and cropped."""
        rates = Counter(clip.fps for clip in self.clips if clip.resampled and clip.fps)
        wanted_px = (geometry.width_px, geometry.height_px)
        sizes = Counter(clip.size_px for clip in self.clips if clip.size_px and clip.size_px != wanted_px)
        lines = [f"resampled from {fps:g} to {geometry.fps} fps: {count:,} clips" for fps, count in rates.most_common()]
        return lines + [
            f"scaled and cropped from {width}×{height} to {wanted_px[0]}×{wanted_px[1]}: {count:,} clips"
            for (width, height), count in sizes.most_common()
        ]

    def named(self, names: Iterable[str]) -> TrainingSet:
        """The set of these training clips alone."""
        wanted = set(names)
        return assemble([clip for clip in self.clips if clip.name in wanted], [], self.negative_text)


def of_receipts(
    clips: Sequence[SourceClip],
    prepared: Sequence[ClipReceipt],
    refusals: Sequence[Refusal],
    store: ArtefactStore,
    negative_prompt: str,
) -> TrainingSet:
    """The set of the clips whose receipts say ``prepared``; ``prepared`` has a receipt for each of ``clips``."""
    kept = [
        TrainingClip(
            name=clip.name,
            kind=clip.kind,
            use=clip.use,
            caption=clip.caption,
            video_sha256=receipt.video_sha256 or "",
            event_s=clip.event_s,
            windows=receipt.windows,
            latents=store.latents_path(receipt.video_sha256 or "", clip.event_s),
            text=store.text_path(clip.caption),
            origin=clip.origin,
            fps=receipt.fps,
            size_px=receipt.size_px,
            resampled=receipt.resampled,
        )
        for clip, receipt in zip(clips, prepared, strict=True)
        if receipt.outcome == "prepared"
    ]
    left_out = [receipt for receipt in prepared if receipt.outcome == "refused"]
    left_out += [ClipReceipt(name=r.name, outcome="refused", code=r.code, reason=r.reason) for r in refusals]
    return assemble(kept, left_out, store.text_path(negative_prompt))


def assemble(clips: Iterable[TrainingClip], refused: Iterable[ClipReceipt], negative_text: Path) -> TrainingSet:
    ordered = tuple(sorted(clips, key=lambda clip: clip.name))
    content = json.dumps([clip.identity for clip in ordered], sort_keys=True)
    left_out = tuple(sorted(refused, key=lambda receipt: receipt.name))
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    return TrainingSet(sha256=sha256, clips=ordered, refused=left_out, negative_text=negative_text)


def write(path: Path, training_set: TrainingSet) -> None:
    """Raises DiskFull."""
    with storage.replacing(path) as part:
        part.write_text(training_set.model_dump_json(indent=1), encoding="utf-8")


class NotPrepared(FactoryError, ValueError):
    """There is no training set where a run looks for it."""

    default_code = "post_training.not_prepared"


def read(path: Path) -> TrainingSet:
    """Raises NotPrepared."""
    try:
        return TrainingSet.model_validate_json(path.read_bytes())
    except (FileNotFoundError, ValueError) as error:
        raise NotPrepared(f"{path}: no prepared training set there ({type(error).__name__})") from None
