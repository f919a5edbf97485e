"""The boxes of an MP4 file (ISO/IEC 14496-12), as far as one must look before a decoder may be trusted with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from its_core.errors import FactoryError

# What our clips never come near; a decoder sizes its tables by what the file claims, so claims are read first.
MAX_BOXES = 10_000
MAX_MOOV_BYTES = 16 << 20


class UnreadableVideo(FactoryError, ValueError):
    """A file that is no MP4 video that can be decoded safely; the message says why."""

    default_code = "video.unreadable"


@dataclass(frozen=True, slots=True)
class BoxSummary:
    """``faststart``: the index (moov) lies before the pictures (mdat). ``most_samples`` is the largest count of frames
    (of sound too) that a track declares, ``missing_bytes`` what the boxes promise beyond the end of the file."""

    faststart: bool
    fragmented: bool
    most_samples: int
    missing_bytes: int


def summarise(path: Path) -> BoxSummary:
    """Walks the boxes without decoding. Raises UnreadableVideo for what is not an MP4 file with an index."""
    size_bytes = path.stat().st_size
    if size_bytes == 0:
        raise UnreadableVideo("the file is empty (0 bytes)")
    with path.open("rb") as file:
        tops = list(_boxes(file, 0, size_bytes))
        if not tops or tops[0][0] != b"ftyp":
            raise UnreadableVideo(f"not an MP4 file: it starts with {_head(file)!r} instead of an ftyp box")
        order = [kind for kind, _, _ in tops]
        if b"moov" not in order:
            raise UnreadableVideo("the MP4 file has no index (moov box): it was cut off or never finished")
        _, start, end = tops[order.index(b"moov")]
        if end - start > MAX_MOOV_BYTES:
            raise UnreadableVideo(f"the MP4 index is {end - start} bytes long, at most {MAX_MOOV_BYTES} are accepted")
        return BoxSummary(
            faststart=b"mdat" in order and order.index(b"moov") < order.index(b"mdat"),
            fragmented=b"moof" in order,
            most_samples=max(_sample_counts(file, start, min(end, size_bytes)), default=0),
            missing_bytes=max(0, max(end for _, _, end in tops) - size_bytes),
        )


def _boxes(file: BinaryIO, start: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, first byte of the content, end) of each box between two offsets; the last end may lie beyond ``stop``."""
    seen = 0
    while start + 8 <= stop:
        seen += 1
        if seen > MAX_BOXES:
            raise UnreadableVideo(f"the MP4 file has more than {MAX_BOXES} boxes in a row")
        file.seek(start)
        header = file.read(16)
        length, kind, content = int.from_bytes(header[:4], "big"), header[4:8], start + 8
        if length == 1:
            length, content = int.from_bytes(header[8:16], "big"), start + 16
        elif length == 0:  # up to the end of the file
            length = stop - start
        if length < content - start:
            raise UnreadableVideo(f"the MP4 box {kind!r} at byte {start} claims a length of {length} bytes")
        yield kind, content, start + length
        start += length


def _sample_counts(file: BinaryIO, start: int, stop: int) -> Iterator[int]:
    """Sample counts of all stsz and stz2 boxes under a moov box."""
    for kind, content, end in _boxes(file, start, stop):
        if kind in {b"trak", b"mdia", b"minf", b"stbl"}:
            yield from _sample_counts(file, content, min(end, stop))
        elif kind in {b"stsz", b"stz2"}:
            file.seek(content + 8)  # version and flags, sample size
            yield int.from_bytes(file.read(4), "big")


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(12)
