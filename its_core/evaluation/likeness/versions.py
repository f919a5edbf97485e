"""The same clips in two versions, compared: each pair, and their means."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

import av

from its_core import storage
from its_core.dataset.local_files import LocalFiles
from its_core.dataset.reader import Version
from its_core.errors import FactoryError
from its_core.evaluation.likeness import vmaf
from its_core.evaluation.likeness.measures import Likeness, NotComparable, likeness
from its_core.mp4 import UnreadableVideo


class NothingInCommon(FactoryError, ValueError):
    """Two versions that have no clip of the same scenario and variant."""

    default_code = "likeness.nothing_in_common"


@dataclass(frozen=True, slots=True)
class Pair:
    """A clip of both versions: its scenario and variant, and where the two videos lie."""

    scenario: str
    before_url: str
    after_url: str


@dataclass(frozen=True, slots=True)
class Compared:
    """``likeness`` is None where the two cannot be compared, and ``reason`` says why; ``vmaf`` where no FFmpeg has
    it."""

    pair: Pair
    likeness: Likeness | None = None
    vmaf: float | None = None
    reason: str = ""

    def as_json(self) -> dict[str, Any]:
        measured = asdict(self.likeness) if self.likeness else {}
        return {"scenario": self.pair.scenario, **measured, "vmaf": self.vmaf, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Comparison:
    """All pairs, the least alike first. ``alone`` counts clips that only one version has."""

    compared: Sequence[Compared] = ()
    alone: int = 0
    means: Mapping[str, float] = field(default_factory=dict)


def pairs(before: Version, after: Version) -> tuple[list[Pair], int]:
    """The clips of the same scenario and variant, by scenario, and how many others there are.

    Raises NothingInCommon.
    """
    old, new = _videos(before), _videos(after)
    common = [Pair(name, old[name], new[name]) for name in sorted(old.keys() & new.keys())]
    if not common:
        raise NothingInCommon(
            f"{before.url} and {after.url} have no scenario in common: build both from the same manifest"
        )
    return common, len(old.keys() ^ new.keys())


def spread(found: Sequence[Pair], most: int) -> list[Pair]:
    """At most so many pairs, evenly from the first to the last."""
    step = max(1.0, len(found) / most)
    return [found[int(index * step)] for index in range(min(most, len(found)))]


def compare(
    chosen: Sequence[Pair], alone: int = 0, *, threads: int = 1, on_pair: Callable[[Compared], None] = lambda _: None
) -> Comparison:
    """Decodes and measures each pair; ``on_pair`` is called with each as it is done."""
    compared = []
    with ThreadPoolExecutor(threads) as pool:
        for each in pool.map(compare_pair, chosen):
            compared.append(each)
            on_pair(each)
    compared.sort(key=lambda each: each.likeness.ssim if each.likeness else -1.0)
    return Comparison(compared, alone, dict(_means(compared)))


def compare_pair(pair: Pair) -> Compared:
    """One pair. A clip that cannot be read or compared is a reason, not an error."""
    with ExitStack() as stack:
        try:
            before, after = local_pair(pair, stack)
            measured = likeness(before, after)
            program = vmaf.ffmpeg()
            score = vmaf.vmaf(program, before, after) if program else None
        except (NotComparable, UnreadableVideo, OSError, av.FFmpegError, vmaf.VmafFailed) as error:
            return Compared(pair, reason=str(error))
        return Compared(pair, measured, score)


def local_pair(pair: Pair, stack: ExitStack) -> tuple[Path, Path]:
    """Both videos on this disk, as long as the stack is open. Raises FileNotFoundError, and StorageError as S3 says."""
    first, second = (stack.enter_context(LocalFiles()).path(url) for url in (pair.before_url, pair.after_url))
    return first, second


def _videos(version: Version) -> dict[str, str]:
    found = {}
    for row in version.rows(["scenario_id", "variant", "split", "file_name"]):
        name = row["scenario_id"] + (f" v{row['variant']}" if row["variant"] else "")
        found[name] = storage.join(version.url, row["split"], row["file_name"])
    return found


def _means(compared: Sequence[Compared]) -> Iterator[tuple[str, float]]:
    measured = [each.likeness for each in compared if each.likeness]
    for name in ("psnr_db", "ssim", "flicker_before", "flicker_after"):
        if measured:
            yield name, round(mean(getattr(each, name) for each in measured), 5)
    scores = [each.vmaf for each in compared if each.vmaf is not None]
    if scores and len(scores) == len(measured):
        yield "vmaf", round(mean(scores), 3)
