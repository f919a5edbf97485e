"""The boxes of an MP4 file (ISO/IEC 14496-12), as far as one must look before a decoder may be trusted with it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from its_core.errors import FactoryError

# A decoder sizes its tables by what the file claims, so claims are read first. A fragmented file of 100,000 frames may
# have a fragment a frame, of seven boxes each; the index of a plain one takes some hundred kilobytes.
MAX_BOXES = 1_000_000
MAX_INDEX_BYTES = 16 << 20

_Box = tuple[bytes, int, int]  # type, first byte of the content, end


class UnreadableVideo(FactoryError, ValueError):
    """A file that is no MP4 video that can be decoded safely; the message says why."""

    default_code = "video.unreadable"


@dataclass(frozen=True, slots=True)
class BoxSummary:
    """What the boxes say, before anything is decoded.

    Attributes:
        faststart: the whole index (moov) lies before the pictures (mdat).
        fragmented: the index is spread over the file, in front of each piece of it (moof).
        most_samples: the largest number of frames (of sound too) that a track declares.
        missing_bytes: what the boxes promise beyond the end of the file.
    """

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
        return _Walk(file, size_bytes).summary()


@dataclass(slots=True)
class _Walk:
    file: BinaryIO
    size_bytes: int
    boxes: int = 0
    samples: dict[int, int] = field(default_factory=dict)  # by track

    def summary(self) -> BoxSummary:
        tops = list(self._children(0, self.size_bytes))
        if not tops or tops[0][0] != b"ftyp":
            self.file.seek(0)
            raise UnreadableVideo(f"not an MP4 file: it starts with {self.file.read(12)!r} instead of an ftyp box")
        order = [kind for kind, _, _ in tops]
        if b"moov" not in order:
            raise UnreadableVideo("the MP4 file has no index (moov box): it was cut off or never finished")
        for kind, start, end in tops:
            if kind in {b"moov", b"moof"}:
                if end - start > MAX_INDEX_BYTES:
                    size = end - start
                    raise UnreadableVideo(f"the MP4 index is {size} bytes long, at most {MAX_INDEX_BYTES} are accepted")
                self._read_index(kind, start, min(end, self.size_bytes))
        fragmented = b"moof" in order
        return BoxSummary(
            faststart=b"mdat" in order and order.index(b"moov") < order.index(b"mdat") and not fragmented,
            fragmented=fragmented,
            most_samples=max(self.samples.values(), default=0),
            missing_bytes=max(0, max(end for _, _, end in tops) - self.size_bytes),
        )

    def _read_index(self, kind: bytes, start: int, end: int) -> None:
        tracks = b"trak" if kind == b"moov" else b"traf"
        for number, (child, content, stop) in enumerate(self._children(start, end)):
            if child == b"cmov":
                raise UnreadableVideo("the MP4 index is compressed (cmov box), which is not accepted")
            if child != tracks:
                continue
            if child == b"trak":
                self._count(-number, self._below(content, stop, (b"mdia", b"minf", b"stbl")), (b"stsz", b"stz2"), 8)
            else:
                track = self._track_of_fragment(content, stop)
                self._count(track, [(content, stop)], (b"trun",), 4)

    def _count(self, track: int, spans: list[tuple[int, int]], kinds: tuple[bytes, ...], offset: int) -> None:
        """Adds up the sample counts of all boxes of these kinds, which stand ``offset`` bytes into their contents."""
        for start, end in spans:
            for kind, content, _ in self._children(start, end):
                if kind in kinds:
                    self.file.seek(content + offset)
                    count = int.from_bytes(self.file.read(4), "big")
                    self.samples[track] = self.samples.get(track, 0) + count

    def _track_of_fragment(self, start: int, end: int) -> int:
        for kind, content, _ in self._children(start, end):
            if kind == b"tfhd":
                self.file.seek(content + 4)  # version and flags
                return int.from_bytes(self.file.read(4), "big") + 1
        return 0

    def _below(self, start: int, end: int, path: tuple[bytes, ...]) -> list[tuple[int, int]]:
        """The contents of all boxes that lie under these types, one in the other."""
        spans = [(start, end)]
        for step in path:
            spans = [
                (content, min(stop, outer_end))
                for outer_start, outer_end in spans
                for kind, content, stop in self._children(outer_start, outer_end)
                if kind == step
            ]
        return spans

    def _children(self, start: int, end: int) -> Iterator[_Box]:
        """The boxes between two offsets; the last one's end may lie beyond ``end``."""
        end = min(end, self.size_bytes)
        while start + 8 <= end:
            self.boxes += 1
            if self.boxes > MAX_BOXES:
                raise UnreadableVideo(f"the MP4 file has more than {MAX_BOXES} boxes")
            self.file.seek(start)
            header = self.file.read(16)
            length, kind = struct.unpack_from(">I4s", header)
            content = start + 8
            if length == 1:
                length, content = int.from_bytes(header[8:16], "big"), start + 16
            elif length == 0:  # up to the end of the file
                length = end - start
            if length < content - start:
                raise UnreadableVideo(f"the MP4 box {kind!r} at byte {start} claims a length of {length} bytes")
            yield kind, content, start + length
            start += length
