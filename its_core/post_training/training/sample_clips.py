"""Clips rendered in the middle of training, the same ones each time, to be looked at beside the time before.

They are sampled by the engine's own sampler, with the network as it stands: from the first frame of validation clips
and their captions, with fixed noise.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from its_core import video
from its_core.clip import Geometry
from its_core.engines.cosmos.model import sampling
from its_core.engines.cosmos.model.attention import attend_with
from its_core.engines.cosmos.model.parallel import ClipGroup
from its_core.engines.cosmos.model.text_encoder import with_padding
from its_core.engines.cosmos.options import STEPS
from its_core.engines.engine import Frame
from its_core.post_training.data import artefacts
from its_core.post_training.data.artefacts import window_name
from its_core.post_training.data.training_set import TrainingClip
from its_core.post_training.model.draws import number
from its_core.post_training.run_folder import Orders
from its_core.post_training.training.checkpoints import name_of
from its_core.post_training.training.loading import Loaded

if TYPE_CHECKING:
    from its_core.engines.cosmos.model.vae import WanVae

GUIDANCE = 7.0


class SampleClips:
    """Renders ``clips`` into ``folder``: ``iter_000000500/0.mp4``, and beside the time before ``0_beside.mp4``."""

    def __init__(self, orders: Orders, folder: Path, clips: list[TrainingClip], negative_text: Path) -> None:
        self._orders, self._folder, self._clips = orders, folder, clips
        self._negative_text = negative_text
        self._vae: WanVae | None = None

    def render(self, loaded: Loaded, iteration: int) -> None:
        """All processes must call it; processes that share a clip make it together."""
        group = loaded.group
        for turn, place in enumerate(group.mine_of(len(self._clips))):
            latent = self._sample(loaded, self._clips[place], place)
            if group.leads_clip and group.clip_group + turn * group.clip_groups == place:
                self._write(loaded, latent, place, iteration)

    @torch.no_grad()
    def _sample(self, loaded: Loaded, clip: TrainingClip, place: int) -> Tensor:
        device, share, training = loaded.device, loaded.group.share, loaded.learner.network
        clean = artefacts.read(clip.latents, window_name(clip.windows[0]))[None].to(device, torch.float32)
        mask = torch.zeros_like(clean[:, :1])
        mask[:, :, :1] = 1
        texts = tuple(
            with_padding(artefacts.read(path, "text")).to(device) for path in (clip.text, self._negative_text)
        )

        def network(x: Tensor, time_BT: Tensor, each_BND: Sequence[Tensor], given: Tensor) -> list[Tensor]:
            return [share.everyones(training(x, time_BT, text, given), dim=2).float() for text in each_BND]

        denoise = sampling.guided(network, (texts[0], texts[1]), GUIDANCE, clean * mask, mask, ClipGroup())
        seed = number(self._orders.recipe.seed, "sample clip", place) % 2**31
        noise = sampling.initial_noise(seed, tuple(clean.shape)).to(device)
        with attend_with(loaded.learner.backends):
            return sampling.sample(denoise, noise, STEPS[self._orders.model_size])

    def _write(self, loaded: Loaded, latent: Tensor, place: int, iteration: int) -> None:
        from its_core.engines.cosmos.model.vae import SPACE, WanVae  # slow to import

        if self._vae is None:
            dtype = torch.bfloat16 if loaded.device.type == "cuda" else torch.float32
            self._vae = WanVae(self._orders.vae_path, loaded.device, dtype)
        frames = latent.shape[2] * 4 - 3
        geometry = Geometry(latent.shape[4] * SPACE, latent.shape[3] * SPACE, self._orders.fps, frames)
        path = self._folder / name_of(iteration) / f"{place}.mp4"
        video.write_mp4(path, self._vae.decode(latent), geometry)
        if before := self._before(place, iteration):
            wide = Geometry(2 * geometry.width_px, geometry.height_px, geometry.fps, geometry.frames)
            video.write_mp4(path.with_name(f"{place}_beside.mp4"), _beside(before, path), wide)

    def _before(self, place: int, iteration: int) -> Path | None:
        """The same clip of the last time."""
        times = sorted(path.name for path in self._folder.glob("iter_*"))
        for earlier, now in pairwise(times):
            if now == name_of(iteration) and (path := self._folder / earlier / f"{place}.mp4").is_file():
                return path
        return None


def _beside(left: Path, right: Path) -> Iterator[Frame]:
    for one, other in zip(video.read_frames(left), video.read_frames(right), strict=True):
        yield np.concatenate([one, other], axis=1)
