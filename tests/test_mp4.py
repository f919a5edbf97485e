"""What an MP4's boxes claim is read before a decoder may be trusted with them."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from its_core import mp4
from its_core.mp4 import UnreadableVideo, summarise

FTYP = struct.pack(">I4s8s", 16, b"ftyp", b"isom\0\0\0\0")


def box(kind: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def track(*sizes: int) -> bytes:
    """A track whose tables declare these numbers of samples."""
    tables = b"".join(box(b"stsz", struct.pack(">III", 0, 1, size)) for size in sizes)
    return box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", tables))))


def fragment(track_id: int, *counts: int) -> bytes:
    runs = b"".join(box(b"trun", struct.pack(">II", 0, count)) for count in counts)
    return box(b"moof", box(b"mfhd", bytes(8)) + box(b"traf", box(b"tfhd", struct.pack(">II", 0, track_id)) + runs))


def write(folder: Path, *boxes: bytes) -> Path:
    path = folder / "a.mp4"
    path.write_bytes(FTYP + b"".join(boxes))
    return path


def test_the_largest_track_counts(tmp_path):
    found = summarise(write(tmp_path, box(b"moov", track(7) + track(10, 20)), box(b"mdat")))
    assert (found.most_samples, found.faststart, found.fragmented, found.missing_bytes) == (30, True, False, 0)


def test_fragments_add_up_by_track(tmp_path):
    fragments = [fragment(1, 5, 6), box(b"mdat"), fragment(2, 100), box(b"mdat"), fragment(1, 7)]
    found = summarise(write(tmp_path, box(b"moov", track(0)), *fragments, box(b"mdat")))
    assert (found.most_samples, found.faststart, found.fragmented) == (100, False, True)


def test_a_promise_beyond_the_end_is_counted(tmp_path):
    path = write(tmp_path, box(b"moov", track(1)), box(b"mdat", bytes(100)))
    path.write_bytes(path.read_bytes()[:-30])
    assert summarise(path).missing_bytes == 30


@pytest.mark.parametrize("kind", [b"trak", b"mdia", b"moov", b"stbl"])
def test_boxes_may_be_nested_as_deep_as_they_like(tmp_path, kind):
    nested = b""
    for _ in range(5000):
        nested = box(kind, nested)
    assert summarise(write(tmp_path, box(b"moov", nested), box(b"mdat"))).most_samples == 0


def test_what_would_take_a_decoder_too_long_is_refused(tmp_path, monkeypatch):
    with pytest.raises(UnreadableVideo, match="compressed"):
        summarise(write(tmp_path, box(b"moov", box(b"cmov", bytes(20)))))
    monkeypatch.setattr(mp4, "MAX_BOXES", 100)
    with pytest.raises(UnreadableVideo, match="more than 100 boxes"):
        summarise(write(tmp_path, box(b"moov", box(b"free") * 101)))
    monkeypatch.setattr(mp4, "MAX_INDEX_BYTES", 1000)
    with pytest.raises(UnreadableVideo, match="1001 bytes long"):
        summarise(write(tmp_path, box(b"moov"), box(b"moof", bytes(1001))))


def test_a_box_cut_in_its_header_is_no_box(tmp_path):
    path = write(tmp_path, box(b"moov", track(3)), b"\0\0\0")
    assert summarise(path).most_samples == 3
