"""Clips that look alike have hashes that are alike; other traffic before the same camera has another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from its_core.checks.measures import measure
from its_core.checks.perceptual_hash import HashIndex, differing_bits, near_duplicates
from its_core.video import Frame, write_mp4
from tests.checks.test_gates import GEOMETRY, scene

NEAR = 5


def traffic(seed: int) -> Iterator[Frame]:
    """Three cars of their own speeds before the same street."""
    generator = np.random.default_rng(seed)
    rows, starts = generator.integers(10, 160, 3), generator.integers(-100, 300, 3)
    speeds = generator.integers(-9, 10, 3)
    street = scene()[:192, :320]
    for number in range(GEOMETRY.frames):
        frame = street.copy()
        for row, start, speed in zip(rows, starts, speeds, strict=True):
            left = max(0, start + speed * number)
            frame[row : row + 30, left : max(0, start + speed * number + 60)] = 230
        yield frame


def degraded(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Brighter by a little, and under noise."""
    generator = np.random.default_rng(9)
    for frame in frames:
        yield np.clip(frame * 1.03 + generator.normal(0, 4, frame.shape), 0, 255).astype(np.uint8)


def hashed(path: Path, frames: Iterator[Frame]) -> str:
    write_mp4(path, frames, GEOMETRY)
    found = measure(path, GEOMETRY).perceptual_hash
    assert found is not None
    return found


@pytest.fixture(scope="module")
def hashes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("hashed")
    clips = {f"traffic {seed}": traffic(seed) for seed in range(4)} | {"again": degraded(traffic(0))}
    return {name: hashed(folder / "clip.mp4", frames) for name, frames in clips.items()}


def test_the_same_clip_coded_again_is_near_and_other_traffic_is_not(hashes: dict[str, str]) -> None:
    distances = {name: differing_bits(hashes["traffic 0"], digest) for name, digest in hashes.items()}

    assert distances["again"] <= NEAR
    assert min(distances[f"traffic {seed}"] for seed in (1, 2, 3)) > 2 * NEAR


def test_the_later_clip_is_the_duplicate(hashes: dict[str, str]) -> None:
    again = hashes.pop("again")
    try:
        assert near_duplicates({}, hashes | {"again": again}, NEAR, {}) == {"again": "traffic 0"}
        assert near_duplicates({"again": again}, hashes, NEAR, {}) == {"traffic 0": "again"}
        pair = {"again": "pair-1", "traffic 0": "pair-1"}
        assert near_duplicates({"again": again}, hashes, NEAR, pair) == {}
        other_pair = {"again": "pair-2", "traffic 0": "pair-1"}
        assert near_duplicates({"again": again}, hashes, NEAR, other_pair) == {"traffic 0": "again"}
    finally:
        hashes["again"] = again


@pytest.mark.parametrize("bits", [0, 1, 5, 15])
def test_the_index_finds_what_a_look_at_all_finds(bits: int) -> None:
    generator = np.random.default_rng(bits)
    value = int.from_bytes(generator.bytes(16))
    index, others = HashIndex(bits), {}
    for number in range(200):
        flipped = value
        for place in generator.choice(128, generator.integers(0, 2 * bits + 2), replace=False):
            flipped ^= 1 << int(place)
        others[str(number)] = f"{flipped:032x}"
        index.add(str(number), others[str(number)])

    found = set(index.near(f"{value:032x}"))

    assert found == {name for name, digest in others.items() if differing_bits(f"{value:032x}", digest) <= bits}
    assert 0 < len(found) < len(others)
