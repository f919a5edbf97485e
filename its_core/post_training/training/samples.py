"""Samples of a run: which clip comes when, read from disk while the device computes."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from its_core.engines.cosmos.model.text_encoder import with_padding
from its_core.post_training.data import artefacts
from its_core.post_training.data.artefacts import window_name
from its_core.post_training.data.mixture import Mixture
from its_core.post_training.data.training_set import TrainingClip
from its_core.post_training.errors import PostTrainingError
from its_core.post_training.model.draws import Draw, draw
from its_core.post_training.model.groups import TrainingGroup
from its_core.post_training.model.learner import Sample
from its_core.post_training.presets import Recipe


class SampleReader:
    """Reads prepared clips."""

    def read(self, clip: TrainingClip, window: int, drawn: Draw) -> Sample:
        """Raises PostTrainingError where the clip's files are gone."""
        try:
            latent = artefacts.read(clip.latents, window_name(clip.windows[window]))
            text = artefacts.read(clip.text, "text")
        except Exception as error:
            raise PostTrainingError(
                f"{clip.name}: its latents or text cannot be read ({type(error).__name__}); prepare the set again",
                code="post_training.artefact",
            ) from None
        return Sample(clip.name, latent.float(), with_padding(text)[0], drawn)


class SampleStream:
    """This process's samples of each step, the next step's being read already. One of ranks that share a clip reads as
    the others do. A step's samples are the run's draws ``iteration · clips_a_step`` and on, split among the groups."""

    def __init__(
        self,
        clips: list[TrainingClip],
        mixture: Mixture,
        recipe: Recipe,
        group: TrainingGroup,
        reader: SampleReader,
        latent_frames: int,
    ) -> None:
        if recipe.clips_a_step % group.clip_groups:
            raise PostTrainingError(
                f"clips_a_step {recipe.clips_a_step}: must be a multiple of the {group.clip_groups} groups of GPUs "
                f"that train clips of their own ({group.ranks} GPUs, {group.ranks_per_clip} a clip)",
                code="post_training.processes",
            )
        self._clips, self._mixture, self._recipe, self._group = clips, mixture, recipe, group
        self._reader, self._latent_frames = reader, latent_frames
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="samples")

    def steps(self, first: int, last: int) -> Iterator[tuple[int, list[Sample]]]:
        """Iterations ``first`` to ``last`` − 1, each with its samples."""
        ahead: Future[list[Sample]] | None = None
        for iteration in range(first, last):
            samples = ahead.result() if ahead else self._samples(iteration)
            ahead = self._pool.submit(self._samples, iteration + 1) if iteration + 1 < last else None
            yield iteration, samples

    def first_of_run(self) -> Sample:
        """The run's first sample, its text kept, for checks."""
        return replace(sample := self._sample(0), draw=replace(sample.draw, text_kept=True))

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def _samples(self, iteration: int) -> list[Sample]:
        size = self._recipe.clips_a_step
        first = iteration * size
        return [self._sample(first + place) for place in range(self._group.clip_group, size, self._group.clip_groups)]

    def _sample(self, number: int) -> Sample:
        clip, window = self._mixture.draw(number)
        drawn = draw(self._recipe.seed, number, self._latent_frames, self._recipe.text_dropout)
        return self._reader.read(self._clips[clip], window, drawn)
