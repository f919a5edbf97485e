"""Random numbers that depend on words alone: the same in every process, on every machine."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.portable_math import log


def seed_of(*words: str | int) -> int:
    """A 31-bit seed made of ``words`` (never Python's ``hash``, which differs between processes)."""
    digest = hashlib.sha256("/".join(str(word) for word in words).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def rng_of(*words: str | int) -> np.random.Generator:
    return np.random.default_rng(seed_of(*words))


def attempt_seed(seed: int, attempt: int) -> int:
    """The seed of the n-th try (from 0) at a clip: the first try takes the clip's own seed."""
    return seed if attempt == 0 else seed_of("attempt", seed, attempt)


def normal(rng: np.random.Generator, mean: float, deviation: float) -> float:
    """A normal number, cut off at six deviations: a sum of twelve uniform ones. NumPy's own takes logarithms of the C
    library, whose last bit depends on the processor."""
    return mean + deviation * (float(rng.random(12).sum()) - 6.0)


def normals(rng: np.random.Generator, deviation: float, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """An array of ``normal`` numbers about 0."""
    return np.asarray(deviation * (rng.random((*shape, 12)).sum(axis=-1) - 6.0))


def exponential(rng: np.random.Generator, mean: float) -> float:
    return float(-mean * log(1.0 - rng.random()))
