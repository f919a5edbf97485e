"""Columns of the manifest that we do not know: they pass through, under names and types that cannot do harm."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from its_core.dataset.labels.passthrough_columns import PassthroughColumns


def _columns(values: list[Any], name: str = "note", taken: tuple[str, ...] = ("weather",)) -> PassthroughColumns:
    columns = PassthroughColumns(taken)
    for value in values:
        columns.learn({name: value})
    return columns


@pytest.mark.parametrize(
    ("values", "type_", "kept"),
    [
        (["a", None], pa.string(), ["a", None]),
        ([True, None], pa.bool_(), [True, None]),
        ([1, 2], pa.int64(), [1, 2]),
        ([1, 2.5], pa.float64(), [1, 2.5]),
        ([1, "two"], pa.string(), ["1", "two"]),
        ([True, 1], pa.string(), ["true", "1"]),
        ([2**70, 1], pa.string(), [str(2**70), "1"]),
        ([[1, 2]], pa.string(), ["[1, 2]"]),
        ([{"file_name": "é"}], pa.string(), ['{"file_name": "é"}']),
        ([None, None], pa.string(), [None, None]),
    ],
)
def test_types(values: list[Any], type_: pa.DataType, kept: list[Any]) -> None:
    columns = _columns(values)

    assert columns.fields["note"].type == type_
    assert [columns.values({"note": value})["note"] for value in values] == kept
    pa.array(kept, type_)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("note", "note"),
        ("weather", "manifest_weather"),
        ("video", "manifest_video"),
        ("file_name", "file_name_text"),
        ("frame_file_name", "frame_file_name_text"),
        ("file_names", "file_names_text"),
    ],
)
def test_names(name: str, column: str) -> None:
    assert _columns(["x"], name).fields[name].name == column


def test_two_columns_never_share_a_name() -> None:
    columns = PassthroughColumns(["weather"])
    columns.learn({"weather": "a", "manifest_weather": "b", "x_file_name": "c", "x_file_name_text": "d"})

    values = columns.values({"weather": "a", "manifest_weather": "b", "x_file_name": "c", "x_file_name_text": "d"})

    assert sorted(values.values()) == ["a", "b", "c", "d"]
