"""Random numbers that depend on words alone: the same in every process, on every machine."""

from __future__ import annotations

import hashlib

import numpy as np


def seed_of(*words: str | int) -> int:
    """A 31-bit seed made of ``words`` (never Python's ``hash``, which differs between processes)."""
    digest = hashlib.sha256("/".join(str(word) for word in words).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def rng_of(*words: str | int) -> np.random.Generator:
    return np.random.default_rng(seed_of(*words))


def attempt_seed(seed: int, attempt: int) -> int:
    """The seed of the n-th try (from 0) at a clip: the first try takes the clip's own seed."""
    return seed if attempt == 0 else seed_of("attempt", seed, attempt)
