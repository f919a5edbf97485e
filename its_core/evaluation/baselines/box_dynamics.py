"""When the total area of all boxes changes most, and where the boxes' common centre is then.

The boxes are the true ones, so this is what the signal is worth under a perfect detector.
"""

from __future__ import annotations

import numpy as np

from its_core.dataset.loading.files import LoadError
from its_core.evaluation.baselines.signal import Answer, change_point
from its_core.evaluation.ground_truth import TrueClip
from its_core.evaluation.scoring.boxes import true_boxes


def answer(clip: TrueClip) -> Answer:
    """Raises LoadError for a clip without annotations."""
    if clip.annotations_url is None:
        raise LoadError(
            f"{clip.clip_id}: box dynamics needs annotations, which this clip has not", code="load.truth_missing"
        )
    boxes = true_boxes(clip)
    count = int(clip.row["no_frames"])
    areas = (boxes.boxes[:, 2:] - boxes.boxes[:, :2]).prod(axis=1)
    change, score = change_point(np.bincount(boxes.frames, weights=areas, minlength=count).astype(float))
    near = np.abs(boxes.frames - change) <= 1
    time_s = change / float(clip.row["fps"])
    if not near.any() or areas[near].sum() == 0:
        return Answer(time_s, (0.5, 0.5), score)
    middles = (boxes.boxes[near, :2] + boxes.boxes[near, 2:]) / 2
    x, y = (middles * areas[near, None]).sum(axis=0) / areas[near].sum()
    return Answer(time_s, (float(x), float(y)), score)
