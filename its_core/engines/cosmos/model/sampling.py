"""The sampler: noise, sigmas, preconditioning, guidance and the stepping rule, as pure functions.

A clip's state is ``x`` = clean latent + sigma · noise. The network speaks flow matching, so sigma becomes the flow time
t = sigma / (sigma + 1). Sources: Karras et al., arXiv:2206.00364 (ramp); Zhang et al., arXiv:2308.02157 (exponential
Adams–Bashforth in log-sigma).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

import numpy as np
import torch
from torch import Tensor

from its_core.engines.cosmos.model.parallel import ClipGroup
from its_core.engines.cosmos.model.step_cache import CacheSchedule, StepCache

SIGMA_MAX, SIGMA_MIN, RAMP_ORDER = 80.0, 0.002, 7.0
SIGMA_GIVEN = 1e-4  # the noise level that conditioning frames are said to have
STEPS = 35

# (input B C T H W, flow time B T, texts B N D, given B 1 T H W) -> an output a text, each like the input
Network = Callable[[Tensor, Tensor, Sequence[Tensor], Tensor], list[Tensor]]
Denoise = Callable[[Tensor, float], Tensor]  # (state x, sigma) -> clean latent


def karras_sigmas(steps: int = STEPS) -> Tensor:
    """``steps + 1`` noise levels from SIGMA_MAX down to SIGMA_MIN, float64."""
    ramp = torch.linspace(0, 1, steps + 1, dtype=torch.float64)
    top, bottom = SIGMA_MAX ** (1 / RAMP_ORDER), SIGMA_MIN ** (1 / RAMP_ORDER)
    sigmas: Tensor = (top + ramp * (bottom - top)) ** RAMP_ORDER
    return sigmas


def initial_noise(seed: int, shape_BCTHW: tuple[int, ...]) -> Tensor:
    """The starting state, float32 on the CPU: the same on any device and for any number of processes."""
    noise = np.random.RandomState(seed).standard_normal(shape_BCTHW).astype(np.float32)
    return torch.from_numpy(noise) * SIGMA_MAX


def flow_time(sigma: float) -> float:
    return sigma / (sigma + 1)


def network_input(x: Tensor, sigma: float, given: Tensor, given_B1THW: Tensor) -> tuple[Tensor, Tensor]:
    """What the network sees of the state, and the flow time of each frame (B T), float32.

    Given frames (mask 1) replace the scaled state and are told the time of SIGMA_GIVEN.
    """
    t = flow_time(sigma)
    scaled = torch.where(given_B1THW > 0, given, x.float() * (1 - t))
    time_BT = torch.where(given_B1THW[:, 0, :, 0, 0] > 0, flow_time(SIGMA_GIVEN), t)
    return scaled, time_BT


def clean_latent(x: Tensor, flow: Tensor, sigma: float, given: Tensor, given_B1THW: Tensor) -> Tensor:
    """The clean latent that the network's output ``flow`` points to; the given frames pass through untouched."""
    t = flow_time(sigma)
    return torch.where(given_B1THW > 0, given, x.float() * (1 - t) - t * flow)


def guide(cond: Tensor, uncond: Tensor, guidance: float) -> Tensor:
    return cond + guidance * (cond - uncond)


def euler_step(x: Tensor, clean: Tensor, sigma: float, sigma_next: float) -> Tensor:
    return sigma_next / sigma * x + (1 - sigma_next / sigma) * clean


def adams_bashforth_step(
    x: Tensor, clean: Tensor, clean_before: Tensor, sigma: float, sigma_next: float, sigma_before: float
) -> Tensor:
    """Two-step exponential Adams–Bashforth in time −log(sigma)."""
    step = math.log(sigma / sigma_next)
    back = math.log(sigma / sigma_before) / step  # where the earlier evaluation lies, in steps; negative
    phi_1 = -math.expm1(-step) / step
    phi_2 = (1 - phi_1) / step
    slope = phi_2 / back
    return math.exp(-step) * x + step * ((phi_1 - slope) * clean + slope * clean_before)


def sample(
    denoise: Denoise, noise: Tensor, steps: int = STEPS, watch: Callable[[int, Tensor], None] | None = None
) -> Tensor:
    """From ``noise`` to the clean latent: ``steps`` steps in float64, then one more evaluation at SIGMA_MIN.

    ``watch`` is shown the state after each step.
    """
    sigmas = karras_sigmas(steps).tolist()
    x = noise.double()
    clean_before: Tensor | None = None
    for i, (sigma, sigma_next) in enumerate(pairwise(sigmas)):
        clean = denoise(x, sigma).double()
        if clean_before is None:
            x = euler_step(x, clean, sigma, sigma_next)
        else:
            x = adams_bashforth_step(x, clean, clean_before, sigma, sigma_next, sigmas[i - 1])
        clean_before = clean
        if watch is not None:
            watch(i, x)
    return denoise(x, sigmas[-1])


@dataclass(frozen=True, slots=True)
class Shortcuts:
    """What is left out of a clip's evaluations; by default nothing.

    Outside ``guided_sigmas`` (lowest, highest) the prompt alone is evaluated (Kynkäänniemi et al., arXiv:2404.07724).
    Of ``cache_interval`` evaluations one is computed, see ``step_cache``.
    """

    guided_sigmas: tuple[float, float] = (0.0, math.inf)
    cache_interval: int = 1


def computed_forwards(is_guided: bool, shortcuts: Shortcuts, steps: int = STEPS) -> int:
    """How many texts the network is evaluated for in a clip, by ``guided`` on one process with such shortcuts."""
    lowest, highest = shortcuts.guided_sigmas
    cache = StepCache(CacheSchedule(shortcuts.cache_interval, steps + 1))
    nothing, computed = torch.zeros(()), 0
    for number, sigma in enumerate(karras_sigmas(steps).tolist()):
        texts = (0, 1) if is_guided and lowest <= sigma <= highest else (0,)
        if all(cache.predicts(number, text) for text in texts):
            continue
        computed += len(texts)
        for text in texts:
            cache.keep(text, sigma, nothing)
    return computed


def guided(
    network: Network,
    texts_BND: tuple[Tensor, Tensor],
    guidance: float,
    given: Tensor,
    given_B1THW: Tensor,
    group: ClipGroup,
    shortcuts: Shortcuts | None = None,
    steps: int = STEPS,
) -> Denoise:
    """Guided prediction from the prompt's and the negative prompt's embedding (in that order), for one clip.

    On one process both are evaluated here; in a group with guidance halves each half evaluates its own. Where nothing
    is guided, each evaluates the prompt.
    """
    shortcuts = shortcuts or Shortcuts()
    lowest, highest = shortcuts.guided_sigmas
    cache = StepCache(CacheSchedule(shortcuts.cache_interval, steps + 1))
    numbers = count()

    def flows_of(x: Tensor, sigma: float, number: int, texts: Sequence[int]) -> list[Tensor]:
        if all(cache.predicts(number, text) for text in texts):
            return [cache.predict(text, sigma) for text in texts]
        scaled, time_BT = network_input(x, sigma, given, given_B1THW)
        flows = network(scaled, time_BT, [texts_BND[text] for text in texts], given_B1THW)
        if shortcuts.cache_interval > 1:
            for text, flow in zip(texts, flows, strict=True):
                cache.keep(text, sigma, flow)
        return flows

    def denoise(x: Tensor, sigma: float) -> Tensor:
        is_guided = guidance != 0 and lowest <= sigma <= highest
        texts = (0,) if not is_guided else (0, 1) if group.guidance_half is None else (group.guidance_half,)
        flows = flows_of(x, sigma, next(numbers), texts)
        clean = [clean_latent(x, flow, sigma, given, given_B1THW) for flow in flows]
        if not is_guided:
            return clean[0]
        cond, uncond = clean if len(clean) == 2 else group.both_halves(clean[0])
        return guide(cond, uncond, guidance)

    return denoise
