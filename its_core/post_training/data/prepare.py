"""Latents and text embeddings of the clips of a training set, one process's share of them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from its_core import storage
from its_core.engines.cosmos.model.text_encoder import TextEncoder
from its_core.engines.cosmos.model.vae import WanVae
from its_core.post_training.data import artefacts, receipts
from its_core.post_training.data.artefacts import ArtefactStore, window_name, window_start
from its_core.post_training.data.clips import SourceClip
from its_core.post_training.data.receipts import ClipReceipt
from its_core.post_training.data.windows import UnusableClip, look, read, windows
from its_core.post_training.tensor_files import write_safetensors
from its_core.storage.input_cache import InputCache

_log = logging.getLogger(__name__)


def prepare_texts(captions: Sequence[str], store: ArtefactStore, encoder: TextEncoder) -> None:
    """Embeds the captions that are not embedded yet."""
    missing = sorted({caption for caption in captions if artefacts.names(store.text_path(caption)) is None})
    encoder.learn(missing)
    for caption in missing:
        write_safetensors(store.text_path(caption), {"text": encoder.without_padding(caption)})
    encoder.release()


def prepare_clip(
    clip: SourceClip, store: ArtefactStore, vae: WanVae, cache: InputCache, receipts_folder: Path
) -> ClipReceipt:
    """Encodes a clip's windows unless that was done before, and writes its receipt.

    A clip that cannot be read or used is refused in its receipt. Raises StorageError for a disk or a server that fails.
    """
    try:
        receipt = _encoded(clip, store, vae, cache)
    except UnusableClip as error:
        receipt = ClipReceipt(
            name=clip.name, outcome="refused", code=error.code, reason=f"{clip.video_url}: {error}", origin=clip.origin
        )
    receipts.write(receipts_folder, receipt)
    _log.info("%s %s %s", clip.name, receipt.outcome, receipt.reason)
    return receipt


def _encoded(clip: SourceClip, store: ArtefactStore, vae: WanVae, cache: InputCache) -> ClipReceipt:
    seconds: dict[str, float] = {}
    try:
        path = cache.fetch(clip.video_url)
        footage = look(path, store.geometry)
        video_sha256 = storage.sha256_file(path)
    except FileNotFoundError:
        raise UnusableClip("no such file", code="post_training.clip.missing") from None
    target = store.latents_path(video_sha256, clip.event_s)
    known = artefacts.names(target)
    if known is None:
        event_frame = None if clip.event_s is None else clip.event_s * store.geometry.fps
        frames = read(footage, store.geometry, store.working_size_px)
        latents = {}
        for start, window in windows(frames, store.geometry.frames, event_frame):
            with _timed(seconds, "encoding"):
                latents[window_name(start)] = vae.encode(window)[0].to(torch.float16)
        if not latents:
            raise UnusableClip(
                f"fewer than {store.geometry.frames} frames at {store.geometry.fps} fps",
                code="post_training.clip.too_short",
            )
        write_safetensors(target, latents)
        known = sorted(latents)
    return ClipReceipt(
        name=clip.name,
        outcome="prepared",
        video_sha256=video_sha256,
        windows=tuple(window_start(name) for name in known),
        fps=footage.fps,
        size_px=(footage.width_px, footage.height_px),
        resampled=footage.resampled,
        seconds=seconds,
        origin=clip.origin,
    )


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    since = time.monotonic()
    yield
    seconds[name] = round(seconds.get(name, 0.0) + time.monotonic() - since, 3)
