"""A hash of what a clip shows, nearly equal for clips that look nearly equal: how it looks, and how things move in it.

The signs of low frequencies of a three-dimensional cosine transform, after Coskun, Sankur and Memon, "Spatio-temporal
transform based video hashing", IEEE Transactions on Multimedia 8 (2006). A fixed camera's clips all look alike, so the
frequencies in time stand apart: half of the bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from its_core.checks.motion import Blocks

Matrix = NDArray[np.float32]

BITS = 128
_SIDE = 16  # cells across and down
_LOOK = 8  # spatial frequencies of the look, in each direction
_MOVE = 4  # of the movement, and as many frequencies in time
# Below this many levels a frequency in time is noise. Where nothing moves, all bits of the movement are zero.
_STILL_LEVELS = 1.0


class PerceptualHash:
    """Takes the block means of frames at even distances."""

    def __init__(self) -> None:
        self._cells: list[Matrix] = []

    def add(self, blocks: Blocks) -> None:
        rows, columns = blocks.shape
        cells = np.asarray(_averaging(rows) @ blocks @ _averaging(columns).T, np.float32)
        if not self._cells or cells.shape == self._cells[0].shape:
            self._cells.append(cells)

    def hexdigest(self) -> str | None:
        """32 hexadecimal digits; None without a frame."""
        if not self._cells:
            return None
        volume = np.stack(self._cells)
        space = _cosines(_SIDE)
        look = (space[:_LOOK] @ volume.mean(axis=0) @ space[:_LOOK].T).ravel()
        bits = [look > np.median(look[1:])]
        bits[0][0] = False  # the brightness of the whole
        moves = np.zeros((_MOVE, _MOVE, _MOVE), np.float32)
        over_time = _cosines(len(volume))[1 : _MOVE + 1] / np.float32(np.sqrt(len(volume)))
        found = np.einsum("ft,thw,ah,bw->fab", over_time, volume, space[:_MOVE], space[:_MOVE])
        moves[: len(found)] = found
        bits.append(moves.ravel() > _STILL_LEVELS)
        return np.packbits(np.concatenate(bits)).tobytes().hex()


@lru_cache(maxsize=8)
def _averaging(count: int) -> Matrix:
    """Means of 16 runs of ``count`` values as a matrix."""
    cell = np.arange(count) * _SIDE // count
    matrix: Matrix = (cell == np.arange(_SIDE)[:, None]).astype(np.float32)
    matrix /= np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    return matrix


@lru_cache(maxsize=64)
def _cosines(count: int) -> Matrix:
    """The orthonormal cosine transform (type II) of ``count`` values."""
    frequency, place = np.arange(count)[:, None], np.arange(count)[None, :]
    matrix: Matrix = np.cos(np.pi * frequency * (2 * place + 1) / (2 * count)).astype(np.float32)
    matrix *= np.float32(np.sqrt(2 / count))
    matrix[0] /= np.float32(np.sqrt(2))
    return matrix


def differing_bits(one: str, other: str) -> int:
    """Of two hashes in hexadecimal digits."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


class HashIndex:
    """Finds hashes that differ in at most ``bits`` bits, without a look at all: cut into ``bits`` + 1 parts, two such
    hashes have a part in common (Norouzi, Punjani and Fleet, "Fast search in Hamming space", CVPR 2012)."""

    def __init__(self, bits: int) -> None:
        self._bits = bits
        self._edges = [BITS * part // (bits + 1) for part in range(bits + 2)]
        self._by_part: dict[tuple[int, int], list[tuple[str, str]]] = {}

    def add(self, name: str, digest: str) -> None:
        for key in self._parts(digest):
            self._by_part.setdefault(key, []).append((name, digest))

    def near(self, digest: str) -> Iterator[str]:
        """The names that are near, in the order in which they were added to each part; none twice."""
        seen: set[str] = set()
        for key in self._parts(digest):
            for name, other in self._by_part.get(key, ()):
                if name not in seen and differing_bits(digest, other) <= self._bits:
                    seen.add(name)
                    yield name

    def _parts(self, digest: str) -> list[tuple[int, int]]:
        value = int(digest, 16)
        spans = zip(self._edges, self._edges[1:], strict=False)
        return [(part, (value >> low) & ((1 << (high - low)) - 1)) for part, (low, high) in enumerate(spans)]


def near_duplicates(
    known: Mapping[str, str | None], new: Mapping[str, str | None], bits: int, pairs: Mapping[str, str | None]
) -> dict[str, str]:
    """New clips that look like a known one or an earlier new one, and which that is.

    Args:
        known, new: hashes by clip.
        bits: by how many bits of 128 near-duplicates may differ.
        pairs: pair ids by clip; two clips of a pair are alike on purpose.
    """
    index = HashIndex(bits)
    for name, digest in _hashed(known):
        index.add(name, digest)
    found: dict[str, str] = {}
    for name, digest in _hashed(new):
        pair = pairs.get(name)
        like = next((other for other in index.near(digest) if pair is None or pairs.get(other) != pair), None)
        if like is None:
            index.add(name, digest)
        else:
            found[name] = like
    return found


def _hashed(hashes: Mapping[str, str | None]) -> Iterable[tuple[str, str]]:
    return ((name, digest) for name, digest in hashes.items() if digest is not None)
