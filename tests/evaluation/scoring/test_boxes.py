"""Average precision of boxes and tracks on cases that can be counted."""

from pathlib import Path

import numpy as np
import pytest

from its_core.dataset.publish import Published
from its_core.evaluation import ground_truth
from its_core.evaluation.scoring import boxes
from its_core.evaluation.scoring.predictions import PredictionError
from its_core.evaluation.scoring.score import score
from tests.evaluation import made_up


def box_set(*rows: tuple[tuple[float, float, float, float], int, float, str]) -> boxes.BoxSet:
    return boxes._box_set(rows)


SQUARE = (0.0, 0.0, 0.2, 0.2)
OTHER = (0.5, 0.5, 0.7, 0.7)
TRUE = box_set((SQUARE, 0, 1, "1"), (SQUARE, 1, 1, "1"), (OTHER, 0, 1, "2"))


def precision(guess: boxes.BoxSet) -> np.ndarray:
    return boxes.average_precision(boxes.match_boxes([guess], [TRUE]), np.ones((1, 1)))[0]


def test_the_same_boxes_score_one() -> None:
    assert precision(TRUE).tolist() == [1.0] * 10


def test_a_wrong_box_that_ranks_first_costs_precision() -> None:
    guess = box_set((OTHER, 1, 0.9, ""), (SQUARE, 0, 0.8, ""), (SQUARE, 1, 0.7, ""), (OTHER, 0, 0.6, ""))
    # Precision at the three hits: 1/2, 2/3, 3/4; made to fall monotonically it is 3/4 throughout.
    assert precision(guess)[0] == pytest.approx(0.75)


def test_overlap_decides_by_threshold() -> None:
    # 0.2 x 0.2 against 0.2 x 0.14: IoU 0.7, a hit at five of the ten thresholds.
    guess = box_set(((0.0, 0.0, 0.2, 0.14), 0, 1, ""))
    assert precision(guess).tolist() == pytest.approx([1 / 3] * 5 + [0] * 5)


def test_a_true_box_is_taken_once() -> None:
    guess = box_set((SQUARE, 0, 0.9, ""), (SQUARE, 0, 0.8, ""))
    assert precision(guess)[0] == pytest.approx(1 / 3)


def test_tracks_overlap_over_all_their_frames() -> None:
    half = box_set((SQUARE, 0, 0.9, "x"), (OTHER, 0, 0.8, "y"))  # half of track 1, all of track 2
    matches = boxes.match_tracks([half], [TRUE])
    assert boxes.average_precision(matches, np.ones((1, 1)))[0] == pytest.approx([1.0])
    split = box_set((SQUARE, 0, 0.9, "x"), (SQUARE, 1, 0.8, "z"), (OTHER, 0, 0.7, "y"))
    # Each half of track 1 alone shares half of it; the second half comes too late.
    assert boxes.average_precision(boxes.match_tracks([split], [TRUE]), np.ones((1, 1)))[0] == pytest.approx([5 / 6])


def test_predicted_boxes_of_a_version(published: Published, tmp_path: Path) -> None:
    truth = ground_truth.open_truth(published.url)
    rows = ["clip_id,frame,x1,y1,x2,y2,score,track_id"]
    for clip in truth.clips:
        sure = boxes.true_boxes(clip)
        for box, frame, name in zip(sure.boxes, sure.frames, sure.tracks, strict=True):
            rows.append(",".join([clip.clip_id, str(frame), *(f"{side:.6f}" for side in box), "0.5", name]))
    (tmp_path / "boxes.csv").write_text("\n".join(rows))
    found = boxes.read(tmp_path / "boxes.csv", truth.clips)
    said = {clip.clip_id: made_up.said(0.1, score=1.0) for clip in truth.clips}
    scores = score("mine", truth, said, boxes_of=found, replicates=5).overall.scores
    assert scores["box_ap"].value == pytest.approx(1.0)
    assert scores["track_ap_50"].value == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("a,0,10,20,30,40,1", "predictions.unit"),
        ("a,0,0.5,0.1,0.4,0.2,1", "predictions.unit"),
        ("x,0,0,0,1,1,1", "predictions.unknown_clip"),
        ("a,0,0,0,1,nan,1", "predictions.not_finite"),
    ],
)
def test_wrong_boxes_are_refused(tmp_path: Path, row: str, code: str) -> None:
    (tmp_path / "boxes.csv").write_text(f"clip_id,frame,x1,y1,x2,y2,score\n{row}\n")
    with pytest.raises(PredictionError) as refused:
        boxes.read(tmp_path / "boxes.csv", [made_up.clip("a")])
    assert refused.value.code == code
