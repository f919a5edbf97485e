"""How near the detector's optical flow is to road users' true motion, and what it takes, by the size of the frames.

    python benchmarks/flow.py published/planned --clips 6

Errors are in pixels of the detector's small frames, between the middle of a road user's flow and the motion that
training would teach, by the width of its box. Needs a version that a simulator made.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

import numpy as np
import torch
from numpy.typing import NDArray

from its_core.dataset.loading import decode
from its_core.dataset.loading.annotations import read
from its_core.evaluation import ground_truth
from its_core.evaluation.detector import road_users
from its_core.evaluation.detector.features import FLOW_PX, FPS, SIZE_PX, grey_and_flow
from its_core.evaluation.detector.road_users import RoadUsers

SIZES_PX = ((432, 768), (324, 576), (270, 480), (216, 384))
FRAMES = 26
WIDTHS_PX = ((0, 10), (10, 25), (25, SIZE_PX[1]))
LEAST_PX = 1.0  # that a road user moves from frame to frame, to be counted


def errors(flow: NDArray[np.float32], users: RoadUsers) -> dict[tuple[int, int], list[float]]:
    """In pixels, by the range of widths, of all that are seen and move; ``flow`` [T, 2, rows, columns]."""
    found: dict[tuple[int, int], list[float]] = defaultdict(list)
    size = np.array(SIZE_PX[::-1], np.float32)
    boxes, ways = users.boxes * np.tile(size, 2), users.after * size
    moves = np.isfinite(boxes[..., 0]) & (np.hypot(ways[..., 0], ways[..., 1]) >= LEAST_PX)
    for frame, user in zip(*np.nonzero(moves[: len(flow) - 1]), strict=True):
        box = boxes[frame, user]
        middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 4
        left, top = ((middle - half) // FLOW_PX).astype(int)
        right, bottom = ((middle + half) // FLOW_PX).astype(int)
        seen = np.median(flow[frame, :, top : bottom + 1, left : right + 1].reshape(2, -1), axis=1)
        width = next(each for each in WIDTHS_PX if box[2] - box[0] <= each[1])
        found[width].append(float(np.hypot(*(seen - ways[frame, user]))))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", help="a published version or dataset")
    parser.add_argument("--clips", type=int, default=6)
    arguments = parser.parse_args()
    clips = ground_truth.open_truth(arguments.version).clips
    clips = clips[:: max(1, len(clips) // arguments.clips)][: arguments.clips]
    torch.set_num_threads(1)
    print(
        "| frames | CPU ms a frame | error, median and 75 % (places), of road users "
        + " | ".join(f"{low} to {high} px wide" for low, high in WIDTHS_PX)
        + " |\n|---"
        + "|--:" * (1 + len(WIDTHS_PX))
        + "|"
    )
    for height, width in SIZES_PX:
        spent_s, frames, found = 0.0, 0, defaultdict(list)
        for clip in clips:
            if clip.annotations_url is None:
                parser.error(f"{clip.clip_id} has no annotations: take a version that a simulator made")
            pictures, times_s = (each[:FRAMES] for each in decode.at_rate(clip.video_url, FPS, (height, width)))
            start = time.process_time()
            flow = grey_and_flow(pictures)[2].astype(np.float32)
            spent_s, frames = spent_s + time.process_time() - start, frames + len(pictures)
            users = road_users.of_truth(read(clip.annotations_url), np.asarray(times_s, np.float32))
            for widths, some in errors(flow, users).items():
                found[widths] += some
        cells = [
            f"{np.median(found[each]):.2f}, {np.quantile(found[each], 0.75):.2f} ({len(found[each])})"
            for each in WIDTHS_PX
        ]
        print(f"| {width}×{height} | {spent_s / frames * 1000:.1f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
