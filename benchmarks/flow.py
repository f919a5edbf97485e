"""How near the detector's optical flow is to road users' true motion, and what it takes, by the size of the frames.

    python benchmarks/flow.py published/planned --clips 6

Errors are in pixels of the detector's small frames, between the middle of a road user's flow and the way of its box,
by the box's width. Needs a version that a simulator made at 10 frames a second.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict

import numpy as np
import torch

from its_core.dataset.loading import decode
from its_core.dataset.loading.annotations import read
from its_core.evaluation import ground_truth
from its_core.evaluation.detector.features import FLOW_PX, FPS, SIZE_PX, grey_and_flow
from its_core.evaluation.ground_truth import TrueClip

SIZES_PX = ((432, 768), (324, 576), (270, 480), (216, 384))
FRAMES = 26
WIDTHS_PX = ((0, 10), (10, 25), (25, SIZE_PX[1]))
LEAST_PX, EDGE_PX = 1.0, 4.0  # that a road user moves from frame to frame, and is from the edges, to be counted

Boxes = dict[int, np.ndarray]


def boxes_of(clip: TrueClip) -> list[Boxes]:
    """Of each road user by frame, in pixels of ``SIZE_PX``, where a part of it is seen."""
    if clip.annotations_url is None:
        raise SystemExit(f"{clip.clip_id}: has no annotations; take a version that a simulator made")
    truth = read(clip.annotations_url)
    if truth["fps"] != FPS:
        raise SystemExit(f"{clip.clip_id}: has {truth['fps']} frames a second; take a version with {FPS:.0f}")
    scale = SIZE_PX[1] / truth["camera"]["width_px"]
    return [
        {
            state["frame"]: np.array(state["amodal_box"]) * scale
            for state in track["frames"]
            if state["amodal_box"] is not None and state["visible_box"] is not None
        }
        for track in truth["tracks"]
    ]


def errors(flow: np.ndarray, tracks: list[Boxes]) -> dict[tuple[int, int], list[float]]:
    """In pixels, by the range of widths, of all boxes that move; ``flow`` [T, 2, rows, columns]."""
    found: dict[tuple[int, int], list[float]] = defaultdict(list)
    for track in tracks:
        for frame in range(len(flow) - 1):
            if frame not in track or frame + 1 not in track:
                continue
            box, later = track[frame], track[frame + 1]
            way = (later[:2] + later[2:] - box[:2] - box[2:]) / 2
            inside = min(*box[:2], SIZE_PX[1] - box[2], SIZE_PX[0] - box[3]) > EDGE_PX
            if not inside or np.hypot(*way) < LEAST_PX:
                continue
            middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 4
            (left, top), (right, bottom) = (
                ((middle - half) // FLOW_PX).astype(int),
                ((middle + half) // FLOW_PX).astype(int),
            )
            seen = np.median(flow[frame, :, top : bottom + 1, left : right + 1].reshape(2, -1), axis=1)
            width = next(each for each in WIDTHS_PX if box[2] - box[0] <= each[1])
            found[width].append(float(np.hypot(*(seen - way))))
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
            pictures = decode.at_rate(clip.video_url, FPS, (height, width))[0][:FRAMES]
            start = time.process_time()
            flow = grey_and_flow(pictures)[2].astype(np.float32)
            spent_s, frames = spent_s + time.process_time() - start, frames + len(pictures)
            for widths, some in errors(flow, boxes_of(clip)).items():
                found[widths] += some
        cells = [
            f"{np.median(found[each]):.2f}, {np.quantile(found[each], 0.75):.2f} ({len(found[each])})"
            for each in WIDTHS_PX
        ]
        print(f"| {width}×{height} | {spent_s / frames * 1000:.1f} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
