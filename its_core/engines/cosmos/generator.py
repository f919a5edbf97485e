"""Clips from requests: prompt and input to latents to frames, on one rank alone or as part of a group."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from its_core.clip import ClipRequest, Geometry, Outcome
from its_core.engines.cosmos.conditioning import read_planned
from its_core.engines.cosmos.device import free_memory, memory_in_use, pick_device
from its_core.engines.cosmos.model import sampling
from its_core.engines.cosmos.model.inference.load import load_packed
from its_core.engines.cosmos.model.lora import lora_record
from its_core.engines.cosmos.model.network import LATENT_CHANNELS
from its_core.engines.cosmos.model.parallel import join_clip_group
from its_core.engines.cosmos.model.sampling import Shortcuts
from its_core.engines.cosmos.model.text_encoder import TextEncoder
from its_core.engines.cosmos.model.vae import SPACE, TIME, WanVae
from its_core.engines.cosmos.options import VERSION, CosmosOptions
from its_core.engines.cosmos.refiner import PromptRefiner
from its_core.engines.cosmos.remote import localized
from its_core.engines.cosmos.requirements import refuse_missing
from its_core.engines.cosmos.safety.guardrail import load_guardrail, tiny_guardrail
from its_core.engines.cosmos.shapes import SHAPES
from its_core.engines.cosmos.weights import WeightsIdentity, weights_of
from its_core.engines.engine import Clip, Engine, EngineFailure, Frame

TINY_SCALE = 8  # size tiny works on smaller frames; they are enlarged at the end
GRANULE_PX = 16  # a patch of latents in pixels: the network's sides must be multiples of it
NO_REFINER = {"tiny": "none: size tiny has no refiner"}

T = TypeVar("T")


@dataclass
class _Prepared:
    """What a request needs before sampling: the prompt as it will be encoded, or why there will be no clip."""

    prompt: str
    failure: EngineFailure | None = None


@dataclass
class _Inputs:
    """What the sampler needs: both texts' embeddings, the given latents and a mask of the frames that they fill."""

    prompt: str
    texts_BND: tuple[Tensor, Tensor]
    given_BCTHW: Tensor
    mask_B1THW: Tensor
    seconds: dict[str, float] = field(default_factory=dict)


class CosmosEngine(Engine):
    """Cosmos-Predict2 Video2World on this rank's device."""

    def __init__(self, options: CosmosOptions, ranks_per_clip: int = 1, weights_sha256: str | None = None) -> None:
        self._localized = ExitStack()
        self._options = options = self._localized.enter_context(localized(options))
        self._device = device = _ready_device(options)
        self._dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
        self._group = join_clip_group(ranks_per_clip, device)
        # The network first: what is wrong with a LoRA is said before larger models are loaded.
        loaded = load_packed(options, device, self._dtype, token_count(options), self._group)
        self._network, self._kernels = loaded.network, loaded.record
        self._lora = lora_record(options) if options.use_lora else None
        shape, folders = SHAPES[options.model_size], options.folders
        self._text = TextEncoder(folders.text_encoder, shape.text_width, device, self._dtype)
        self._vae = WanVae(folders.vae, device, self._dtype)
        self._guardrail = self._refiner = None
        if not options.disable_guardrail and options.model_size == "tiny":
            self._guardrail = tiny_guardrail(folders.guardrail)
        elif not options.disable_guardrail:
            self._guardrail = load_guardrail(folders.guardrail, folders.text_guard, device, options.offload_guardrail)
        if not options.disable_prompt_refiner and options.model_size not in NO_REFINER:
            self._refiner = PromptRefiner(folders.refiner, device, options.offload_prompt_refiner)
        self._prepared: dict[str, _Prepared] = {}
        self._rehearsed = False
        self._hashing = ThreadPoolExecutor(1, thread_name_prefix="weights")
        self._weights: Future[WeightsIdentity] = self._hashing.submit(weights_of, options)
        self._planned_weights_sha256 = weights_sha256

    def prepare(self, requests: Sequence[ClipRequest]) -> None:
        """Guardrail, refiner and text encoder for all requests, so that each text is encoded once.

        A prompt that is blocked fails when its clip is asked for; where memory does not do for all at once, each clip
        prepares itself.
        """
        with suppress(EngineFailure), _memory_is_a_receipt(self._options):
            for request in requests:
                self._prepared[request.clip_id] = self._prepare_prompt(request)
            wanted = [p.prompt for p in self._prepared.values() if p.failure is None]
            self._text.learn([*wanted, *(request.negative_prompt for request in requests)], release=True)

    def _prepare_prompt(self, request: ClipRequest) -> _Prepared:
        prepared = _Prepared(request.prompt)
        try:
            if self._guardrail:
                self._guardrail.check_text(request.prompt)
            if self._refiner:
                first = read_planned(request, 1)[0]
                prepared.prompt = self._refiner.refine(request.prompt, first)
                if self._guardrail:
                    self._guardrail.check_text(prepared.prompt)
        except EngineFailure as failure:
            prepared.failure = failure
        return prepared

    def generate(self, request: ClipRequest) -> Clip:
        """Samples the clip's latents; its frames are decoded as they are taken.

        In a group every rank must be asked for the same clips in the same order; the first alone yields frames.
        """
        inputs = self._agreed(lambda: self._inputs(request))
        if self._group.ranks > 1 and not self._rehearsed:
            self._agreed(lambda: self._rehearse(inputs))
            self._rehearsed = True
        with _timed(inputs.seconds, "sampling", self._device):
            latent = self._sample(request, inputs)
        record = self._record(request, inputs)
        frames = self._frames(latent, request.geometry, record) if self._group.is_first else iter(())
        return Clip(frames, record)

    def _agreed(self, work: Callable[[], T]) -> T:
        """The result of ``work``, unless it failed here or on another rank of the group: then the failure on all."""
        result: T | None = None
        failure: EngineFailure | None = None
        try:
            with _memory_is_a_receipt(self._options):
                result = work()
        except EngineFailure as error:
            failure = error
        except Exception as error:
            if self._group.ranks == 1:
                raise
            failure = EngineFailure(Outcome.ENGINE_ERROR, f"{type(error).__name__}: {error}")
        mine = (failure.outcome, failure.reason) if failure else None
        failures = self._group.everyones_object(mine)
        for failed in failures:
            if failed is not None:
                raise EngineFailure(*failed)
        return result  # type: ignore[return-value]

    def _inputs(self, request: ClipRequest) -> _Inputs:
        options, seconds = self._options, dict[str, float]()
        if self._weights.done():  # the first clip does not wait for the hash, and is held back at its end
            self._refuse_other_weights()
        if request.geometry != options.geometry:
            asked = request.geometry
            raise EngineFailure(
                Outcome.REJECTED_INPUT,
                f"a clip of {asked.width_px}×{asked.height_px} at {asked.fps} fps was asked of an engine that was "
                f"loaded for --resolution {options.resolution} --fps {options.fps}",
            )
        with _timed(seconds, "prompt", self._device):
            prepared = self._prepared.pop(request.clip_id, None) or self._prepare_prompt(request)
            if prepared.failure:
                raise prepared.failure
            texts = self._text.embedding(prepared.prompt), self._text.embedding(request.negative_prompt)
        with _timed(seconds, "conditioning", self._device):
            frames = read_planned(request, options.num_conditional_frames)
            width_px, height_px = size = working_size(options)
            first = self._vae.encode(np.stack([_resized(frame, size) for frame in frames]))
            latent_frames = (request.geometry.frames - 1) // TIME + 1
            shape = (1, LATENT_CHANNELS, latent_frames, height_px // SPACE, width_px // SPACE)
            given = torch.zeros(shape, device=self._device)
            mask = torch.zeros_like(given[:, :1])
            given[:, :, : first.shape[2]] = first
            mask[:, :, : first.shape[2]] = 1
        return _Inputs(prepared.prompt, texts, given, mask, seconds)

    def _sample(self, request: ClipRequest, inputs: _Inputs) -> Tensor:
        noise = sampling.initial_noise(request.seed, tuple(inputs.given_BCTHW.shape)).to(self._device)
        options = self._options
        steps = options.sampling_steps
        denoise = sampling.guided(
            self._network.for_texts,
            inputs.texts_BND,
            guidance_of(request, options),
            inputs.given_BCTHW,
            inputs.mask_B1THW,
            self._group,
            Shortcuts((options.guidance_sigma_min, options.guidance_sigma_max), options.step_cache),
            steps,
        )
        try:
            with _memory_is_a_receipt(self._options), torch.no_grad():
                return sampling.sample(denoise, noise, steps)
        except Exception as error:
            if self._group.ranks == 1:
                raise
            self._group.abandon()
            raise SystemExit(
                f"clip {request.clip_id}: a rank failed in the middle of a shared clip, which ends its group: {error}"
            ) from error

    def _rehearse(self, inputs: _Inputs) -> None:
        """One forward that takes a shared one's memory without talking to the other ranks: they would wait for ever
        for one that has run out of it."""
        self._network.share = self._group.share.rehearsal()
        try:
            with torch.no_grad():
                time_BT = inputs.mask_B1THW[:, 0, :, 0, 0]
                self._network.for_texts(inputs.given_BCTHW, time_BT, inputs.texts_BND[:1], inputs.mask_B1THW)
        finally:
            self._network.share = self._group.share

    def _frames(self, latent: Tensor, geometry: Geometry, record: dict[str, Any]) -> Iterator[Frame]:
        """Decodes, checks and yields the frames; ``record`` is complete once they are out."""
        spent, since = 0.0, time.monotonic()
        with _memory_is_a_receipt(self._options):
            frames = self._vae.decode(latent)
            if self._guardrail:
                checked, done = self._guardrail.check_video(np.stack(list(frames)))
                record["guardrail"] |= done
                frames = iter(checked)
            for frame in frames:
                out = _resized(frame, (geometry.width_px, geometry.height_px))
                spent += time.monotonic() - since
                yield out  # what happens to it until the next one is asked for is not ours
                since = time.monotonic()
        self._refuse_other_weights()
        record["seconds"]["decoding"] = round(spent, 3)
        record["weights"] = self._weights.result().by_role
        if self._options.benchmark:
            print(f"seconds {record['seconds']}", flush=True)

    def _refuse_other_weights(self) -> None:
        """Clips are named by their weights: no other ones may make them under those names."""
        if self._planned_weights_sha256 not in {None, self._weights.result().sha256}:
            reason = "the weights were changed after the build was planned, or differ on this machine: build again"
            raise EngineFailure(Outcome.ENGINE_ERROR, reason)

    def _record(self, request: ClipRequest, inputs: _Inputs) -> dict[str, Any]:
        """What really ran, as JSON values."""
        options = self._options
        refiner = NO_REFINER.get(options.model_size, options.folders.refiner.name)
        return {
            "engine": "cosmos",
            "engine_version": VERSION,
            "model_size": options.model_size,
            "is_stand_in": options.model_size == "tiny",
            "lora": self._lora,
            "steps": options.sampling_steps,
            "guidance": guidance_of(request, options),
            "shortcuts": options.shortcuts,
            "seed": request.seed,
            "num_conditional_frames": options.num_conditional_frames,
            "prompt": inputs.prompt,
            "guardrail": self._guardrail.record if self._guardrail else {"disabled": True},
            "prompt_refiner": "disabled" if options.disable_prompt_refiner else refiner,
            **self._kernels,
            "device": torch.cuda.get_device_name(self._device) if self._device.type == "cuda" else "cpu",
            "ranks_per_clip": self._group.ranks,
            "seconds": inputs.seconds,
        }

    def weights_sha256(self) -> str:
        """Waits until the files are hashed, which begins when the engine is loaded."""
        return self._weights.result().sha256

    def close(self) -> None:
        self._hashing.shutdown(wait=False, cancel_futures=True)
        self._localized.close()
        self._group.leave()
        free_memory()


def guidance_of(request: ClipRequest, options: CosmosOptions) -> float:
    """How strongly the clip is guided: a distilled checkpoint not at all, whatever the request says."""
    return 0.0 if options.preset == "distilled" else request.guidance


def token_count(options: CosmosOptions) -> int:
    """How many tokens the network sees of a clip."""
    width_px, height_px = working_size(options)
    latent_frames = (options.geometry.frames - 1) // TIME + 1
    return latent_frames * (width_px // GRANULE_PX) * (height_px // GRANULE_PX)


def working_size(options: CosmosOptions) -> tuple[int, int]:
    """Width and height in which the network works: the clip's own, but for size tiny."""
    width_px, height_px = options.geometry.width_px, options.geometry.height_px
    if options.model_size != "tiny":
        return width_px, height_px
    granules = (max(1, round(side / TINY_SCALE / GRANULE_PX)) for side in (width_px, height_px))
    small_width, small_height = (n * GRANULE_PX for n in granules)
    return small_width, small_height


def _resized(frame: Frame, size_px: tuple[int, int]) -> Frame:
    if frame.shape[1::-1] == size_px:
        return frame
    return np.asarray(Image.fromarray(frame).resize(size_px, Image.Resampling.BILINEAR))


def _ready_device(options: CosmosOptions) -> torch.device:
    """This rank's device. Raises ValueError that names all that is missing: a GPU, packages, weights."""
    try:
        device = pick_device(options)
    except ValueError as error:
        refuse_missing(options, str(error))
        raise
    refuse_missing(options)
    return device


@contextmanager
def _memory_is_a_receipt(options: CosmosOptions) -> Iterator[None]:
    """Turns running out of memory into an EngineFailure that says what would help."""
    try:
        yield
        return
    except torch.OutOfMemoryError:
        used = memory_in_use()
    free_memory()
    helps = []
    if not (options.disable_guardrail or options.offload_guardrail):
        helps.append("--offload_guardrail")
    if not (options.disable_prompt_refiner or options.offload_prompt_refiner):
        helps.append("--offload_prompt_refiner")
    if options.resolution == "720":
        helps.append("--resolution 480")
    helps.append("more GPUs a clip (--context_parallel_size)")
    raise EngineFailure(Outcome.OUT_OF_MEMORY, f"out of GPU memory{used}; what helps: {', '.join(helps)}")


@contextmanager
def _timed(seconds: dict[str, float], stage: str, device: torch.device) -> Iterator[None]:
    since = time.monotonic()
    yield
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    seconds[stage] = round(time.monotonic() - since, 3)
