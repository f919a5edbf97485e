"""Every way in which predictions can be wrong has a code and one line."""

from pathlib import Path

import pytest

from its_core.evaluation.scoring import predictions
from its_core.evaluation.scoring.predictions import PredictionError
from tests.evaluation import made_up

CLIPS = [made_up.clip("a"), made_up.clip("b"), made_up.calm("c")]
HEADER = "clip_id,accident_time,center_x,center_y,type,score\n"
GOOD = ["a,2.0,0.5,0.5,t-bone,0.9", "b,1.5,0.2,0.3,single,0.8", "c,,,,,0.1"]


def read(tmp_path: Path, *rows: str, header: str = HEADER) -> dict[str, predictions.Prediction]:
    path = tmp_path / "predictions.csv"
    path.write_text(header + "\n".join(rows) + "\n")
    return predictions.read(path, CLIPS)


def test_good_predictions_are_read_and_written(tmp_path: Path) -> None:
    found = read(tmp_path, *GOOD)
    assert found["b"] == made_up.said(1.5, 0.2, 0.3, "single", score=0.8)
    predictions.write(tmp_path / "again.csv", found)
    again = predictions.read(tmp_path / "again.csv", CLIPS)
    assert repr(again) == repr(found)


@pytest.mark.parametrize(
    ("rows", "code", "facts"),
    [
        (GOOD[:2], "predictions.missing_clip", ["1 of 3", "c"]),
        ([*GOOD, GOOD[0]], "predictions.double_clip", ["line 5", "line 2", "'a'"]),
        ([*GOOD, "d,1,0.5,0.5,single,0"], "predictions.unknown_clip", ["line 5", "'d'", "3 clips"]),
        (["a,2000,0.5,0.5,t-bone,0.9"], "predictions.unit", ["line 2", "accident_time 2000", "10 s"]),
        (["a,-1,0.5,0.5,t-bone,0.9"], "predictions.unit", ["accident_time -1"]),
        (["a,2,640,0.5,t-bone,0.9"], "predictions.unit", ["center_x 640", "0 to 1"]),
        (["a,2,0.5,nan,t-bone,0.9"], "predictions.not_finite", ["center_y", "nan"]),
        (["a,2,0.5,0.5,t-bone,inf"], "predictions.not_finite", ["score", "inf"]),
        (["a,2,0.5,half,t-bone,0.9"], "predictions.not_a_number", ["'half'"]),
        (["a,,0.5,0.5,t-bone,0.9"], "predictions.not_a_number", ["accident_time", "''"]),
        (["a,2,0.5,0.5,T-Bone,0.9"], "predictions.type", ["'T-Bone'", "t-bone"]),
    ],
)
def test_wrong_rows_are_refused(tmp_path: Path, rows: list[str], code: str, facts: list[str]) -> None:
    with pytest.raises(PredictionError) as refused:
        read(tmp_path, *rows)
    assert refused.value.code == code
    assert all(fact in str(refused.value) for fact in facts)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("name,score\n", "predictions.no_clip_column"),
        ("clip_id,accident_time,center_x\n", "predictions.no_columns"),
        ("", "predictions.no_clip_column"),
    ],
)
def test_wrong_columns_are_refused(tmp_path: Path, header: str, code: str) -> None:
    with pytest.raises(PredictionError) as refused:
        read(tmp_path, header=header)
    assert refused.value.code == code


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00\x81")
    for path in (tmp_path / "gone.csv", tmp_path / "binary.csv", tmp_path):
        with pytest.raises(PredictionError) as refused:
            predictions.read(path, CLIPS)
        assert refused.value.code == "predictions.unreadable"
