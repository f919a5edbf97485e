"""The loop: from the last whole checkpoint to the last iteration."""

from __future__ import annotations

import json
import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch

from its_core import storage
from its_core.engines.cosmos.weights import sha256_of
from its_core.errors import FactoryError
from its_core.post_training.data import training_set as training_sets
from its_core.post_training.data.mixture import Mixture
from its_core.post_training.errors import PostTrainingError
from its_core.post_training.model.learner import Sample
from its_core.post_training.run_folder import Orders, RunFolder
from its_core.post_training.training import guards, validation
from its_core.post_training.training.checkpoints import Checkpoints
from its_core.post_training.training.loading import Loaded, load
from its_core.post_training.training.sample_clips import SampleClips
from its_core.post_training.training.samples import SampleReader, SampleStream
from its_core.post_training.training.validation import Validator
from its_core.post_training.training.watch import RunLog, memory_bytes

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Data:
    stream: SampleStream
    validator: Validator | None
    sample_clips: SampleClips | None


class Trainer:
    """One process of a run. ``train`` returns when all iterations are done and their result is written.

    Raises PostTrainingError, CheckpointError, TrainingStopped, GuardFailed and DiskFull.
    """

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._orders = run.read_orders()
        self._checkpoints = Checkpoints(run, self._orders)
        self._loaded = load(self._orders)
        self._data = _open_data(run, self._orders, self._loaded)
        self._result: dict[str, Any] = {"compiled": self._loaded.compiled}
        self._base_sha256 = self._hash_base()

    def train(self) -> None:
        loaded, recipe = self._loaded, self._orders.recipe
        done = self._resume()
        log = RunLog(self._run, done) if loaded.group.leads else None
        try:
            if done == 0:
                self._begin(log)
            for iteration, samples in self._data.stream.steps(done, recipe.iterations):
                self._step(iteration, samples, log)
                self._look(iteration + 1, log)
            self._end(log)
        finally:
            self._data.stream.close()
            if log:
                log.close()

    def _hash_base(self) -> Future[str] | None:
        """Begins to hash the base's file while the first iterations run."""
        if not self._loaded.group.leads:
            return None
        pool = ThreadPoolExecutor(1, thread_name_prefix="base")
        future = pool.submit(sha256_of, self._orders.base_path)
        pool.shutdown(wait=False)
        return future

    def _check_base(self) -> None:
        """Raises PostTrainingError where the base is not the one that the run was ordered for."""
        if self._base_sha256 and self._base_sha256.result() != self._orders.base_sha256:
            raise PostTrainingError(
                f"{self._orders.base_path}: is not the base that the run was ordered for: its SHA-256 begins with "
                f"{self._base_sha256.result()[:12]}, the order's with {self._orders.base_sha256[:12]}",
                code="post_training.base",
            )

    def _resume(self) -> int:
        """Takes up the last whole checkpoint; returns how many iterations are done. Rank 0's view counts."""
        group, optimiser = self._loaded.group, self._loaded.learner.optimiser
        done = group.first(self._checkpoints.latest()) or 0
        if done > self._orders.recipe.iterations:
            raise PostTrainingError(
                f"{self._run.checkpoints}: {done} iterations are done, {self._orders.recipe.iterations} are asked for: "
                "give the run another name, or remove its folder",
                code="post_training.other_run",
            )
        if done:
            optimiser.load(self._checkpoints.read_state(done))
            _log.info("goes on after iteration %d", done)
        return done

    def _begin(self, log: RunLog | None) -> None:
        self._result["start"] = guards.check_fresh_start(self._loaded.learner, self._any_sample())
        self._validate(0, log)
        if self._data.sample_clips:
            self._data.sample_clips.render(self._loaded, 0)

    def _step(self, iteration: int, samples: list[Sample], log: RunLog | None) -> None:
        loaded, recipe = self._loaded, self._orders.recipe
        since = time.monotonic()
        mine = [(sample.name, loaded.learner.learn(sample, 1 / recipe.clips_a_step)) for sample in samples]
        parts = loaded.group.everyones(mine if loaded.group.leads_clip else [])
        losses = [each for part in parts for each in part]
        guards.check_losses(iteration, losses)
        step = loaded.learner.step(iteration)
        guards.check_gradient(iteration, step.gradient_norm, [name for name, _ in losses])
        if log:
            log.step(
                iteration + 1,
                {
                    "loss": sum(loss for _, loss in losses) / len(losses),
                    "learning_rate": step.learning_rate,
                    "gradient_norm": step.gradient_norm,
                    "seconds": time.monotonic() - since,
                    "memory_bytes": memory_bytes(loaded.device),
                },
            )

    def _look(self, done: int, log: RunLog | None) -> None:
        recipe, last = self._orders.recipe, done == self._orders.recipe.iterations
        if (recipe.validate_every and done % recipe.validate_every == 0) or last:
            self._validate(done, log)
        if self._data.sample_clips and (done % recipe.sample_every == 0 or last):
            self._data.sample_clips.render(self._loaded, done)
        if done % recipe.save_every == 0 or last:
            self._save(done)

    def _save(self, done: int) -> None:
        """Rank 0 writes; the others learn whether it could."""
        group = self._loaded.group
        problem: Exception | None = None
        if group.leads:
            try:
                self._check_base()
                self._checkpoints.write(done, self._loaded.learner.optimiser.state())
            except (OSError, PostTrainingError) as error:
                problem = error
        code = problem.code if isinstance(problem, FactoryError) else "post_training.checkpoint"
        failure = group.first((code, str(problem)) if problem else None)
        if problem:
            raise problem
        if failure:
            raise PostTrainingError(failure[1], code=failure[0])

    def _validate(self, done: int, log: RunLog | None, average: bool = False) -> None:
        if self._data.validator is None:
            return
        found = self._data.validator.run(self._loaded.learner)
        if log:
            log.validation(done, found, average)

    def _end(self, log: RunLog | None) -> None:
        learner, iterations = self._loaded.learner, self._orders.recipe.iterations
        self._result["end"] = guards.check_lora_acts(learner, self._any_sample())
        with validation.averaged(learner.optimiser):
            self._validate(iterations, log, average=True)
        if self._loaded.group.leads:
            result = self._result | {
                "iterations": iterations,
                "fingerprint": self._orders.fingerprint(),
                "processes": self._loaded.group.ranks,
                "frozen_numbers_held": self._loaded.frozen_numbers_held(),
                "device": _device_name(self._loaded.device),
                "lora_sha256": storage.sha256_file(self._checkpoints.lora_path(iterations)),
            }
            with storage.replacing(self._run.result) as part:
                part.write_text(json.dumps(result, indent=1, sort_keys=True), encoding="utf-8")

    def leave(self) -> None:
        self._loaded.group.leave()

    def _any_sample(self) -> Sample:
        """The same sample for all processes, each time."""
        return self._data.stream.first_of_run()


def _open_data(run: RunFolder, orders: Orders, loaded: Loaded) -> _Data:
    """Raises PostTrainingError when the set is not the one that the run was ordered for."""
    prepared = training_sets.read(orders.training_set)
    if prepared.sha256 != orders.training_set_sha256:
        raise PostTrainingError(
            f"{orders.training_set}: was changed after the run was ordered; order it again", code="post_training.data"
        )
    clips, recipe = prepared.used("train"), orders.recipe
    latent_frames = (orders.geometry.frames - 1) // 4 + 1
    try:
        mixture = Mixture(
            [clip.kind for clip in clips], [len(clip.windows) for clip in clips], orders.mixture, recipe.seed
        )
    except ValueError as error:
        raise PostTrainingError(f"{orders.training_set}: {error}", code="post_training.nothing_to_train_on") from None
    reader = SampleReader()
    stream = SampleStream(clips, mixture, recipe, loaded.group, reader, latent_frames)
    watched = clips if orders.validate_on == "train" else prepared.used("validate")
    validator = Validator(watched, recipe.validation_clips, reader, latent_frames) if watched else None
    sample_clips = None
    if recipe.sample_every and validator:
        chosen = validator.clips[: recipe.sample_clips]
        sample_clips = SampleClips(orders, run.samples, chosen, prepared.negative_text)
    return _Data(stream, validator, sample_clips)


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"
