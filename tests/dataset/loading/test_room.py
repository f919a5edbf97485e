"""Where frames are put: the same pixels in this process and from a worker, each clip in memory of its own."""

from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch
from torch.multiprocessing import set_sharing_strategy
from torch.utils.data import DataLoader

from its_core.dataset import AccidentClips, LoadError
from its_core.dataset.loading import decode, room
from its_core.dataset.publish import Published


def marked(sample: dict[str, Any]) -> dict[str, Any]:
    sample["frames"][0, 0, 0, 0] = 77
    return sample | {"shared": sample["frames"].is_shared()}


def share_by(strategy: str, _worker: int) -> None:
    set_sharing_strategy(strategy)


@pytest.mark.parametrize("strategy", ["file_descriptor", "file_system"])
def test_clips_from_workers_keep_their_pixels_while_they_are_kept(published: Published, strategy: str) -> None:
    size_px = 22, 31  # lines of 93 bytes, which a decoder leaves padded
    clips = AccidentClips(published.url, size_px=size_px, transform=marked)
    alone = {sample["clip_id"]: sample["frames"] for sample in (clips[place] for place in range(len(clips)))}
    loader = DataLoader(
        clips.stream(),
        batch_size=None,
        num_workers=2,
        persistent_workers=True,
        multiprocessing_context="spawn",
        worker_init_fn=partial(share_by, strategy),
    )
    kept = [sample for _ in range(2) for sample in loader]
    assert len(kept) == 2 * len(clips)
    assert all(sample["shared"] for sample in kept)
    assert all(torch.equal(sample["frames"], alone[sample["clip_id"]]) for sample in kept)
    assert all(sample["frames"][0, 0, 0, 0] == 77 for sample in kept)


def test_full_memory_is_an_error_that_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """No machine has so much; a worker is what takes shared memory."""
    monkeypatch.setattr(room, "get_worker_info", lambda: "a worker")
    with pytest.raises(LoadError, match="no shared memory for a clip of 9000000000000000 bytes: ") as refused:
        room.Room(1_000_000_000, 1000, 3000)
    assert refused.value.code == "load.shared_memory"


def test_a_video_that_changes_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "changes.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, width=64, height=48)
        for number, packet in enumerate([*_packets(64, 48), *_packets(96, 64)]):
            packet.stream, packet.time_base, packet.pts, packet.dts = stream, Fraction(1, 10), number, number
            container.mux(packet)
    assert decode.frames(str(path), [0, 1]).shape == (2, 3, 48, 64)
    assert decode.frames(str(path), range(4), (8, 8)).shape == (4, 3, 8, 8)
    with pytest.raises(LoadError, match="at frame 2") as refused:
        decode.frames(str(path), range(4))
    assert refused.value.code == "load.clip_unreadable"
    with pytest.raises(LoadError, match="at frame 2"):
        decode.at_rate(str(path), 10.0)


def _packets(width: int, height: int) -> list[av.Packet]:
    """Two grey frames."""
    coder = av.CodecContext.create("libx264", "w")
    assert isinstance(coder, av.VideoCodecContext)
    coder.width, coder.height, coder.pix_fmt, coder.framerate = width, height, "yuv420p", Fraction(10)
    coder.time_base, coder.options = Fraction(1, 10), {"bf": "0", "threads": "1"}
    packets: list[av.Packet] = []
    for number in range(2):
        frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 128, np.uint8), format="rgb24")
        frame.pts = number
        packets += coder.encode(frame)
    return packets + coder.encode(None)
