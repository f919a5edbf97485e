"""Columns that are only carried reach the labels as JSON values, whoever wrote them, and never stop a row."""

import datetime as dt
import decimal
import uuid

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.scenarios.manifest.manifests import batches, read, row, table, write

WHEN = dt.datetime(2024, 5, 1, 10, tzinfo=dt.UTC)


def carried(tmp_path, **columns):
    """What the rows carry of these columns."""
    count = len(next(iter(columns.values())))
    rows = table([row(f"s{number}") for number in range(count)])
    for name, values in columns.items():
        rows = rows.append_column(name, values)
    pq.write_table(rows, tmp_path / "m.parquet")
    scenarios, rejections = read(tmp_path / "m.parquet", tmp_path)
    assert rejections == []
    return [dict(each.extra) for each in scenarios]


def test_values_become_json(tmp_path):
    first, second = carried(
        tmp_path,
        when=pa.array([pd.Timestamp("2026-05-04 06:07:08"), None], pa.timestamp("ns")),
        cost=pa.array([None, "1.50"]).cast(pa.decimal128(5, 2)),
        ratio=pa.array([float("nan"), 0.5]),
        place=pa.array([{"lat": float("inf"), "names": ["a"]}, None]),
        kind=pa.array(["x", "x"]).dictionary_encode(),
        nothing=pa.nulls(2),
    )
    assert first.pop("when").startswith("2026-05-04 06:07:08")
    assert first == {"cost": None, "ratio": None, "place": {"lat": None, "names": ["a"]}, "kind": "x", "nothing": None}
    assert second == {"when": None, "cost": "1.50", "ratio": 0.5, "place": None, "kind": "x", "nothing": None}


VALUES = {
    "dates in a struct": (
        pa.array([{"start": WHEN, "days": [WHEN.date(), None]}, None]),
        [{"start": "2024-05-01 10:00:00.000000Z", "days": ["2024-05-01", None]}, None],
    ),
    "decimals in a list": (pa.array([[decimal.Decimal("52.10")], []]), [["52.10"], []]),
    "lists of lists of times": (pa.array([[[dt.time(6, 7)], None], None]), [[["06:07:00.000000"], None], None]),
    "a map": (
        pa.array([[("lanes", 4)], None], pa.map_(pa.string(), pa.int64())),
        [[{"key": "lanes", "value": 4}], None],
    ),
    "a fixed-size list of half floats": (pa.array([[0.5, 1.5], None], pa.list_(pa.float16(), 2)), [[0.5, 1.5], None]),
    "durations": (pa.array([90_000_000, 250_000], pa.duration("us")), ["PT90S", "PT0.25S"]),
    "a duration before zero": (pa.array([-1_500, None], pa.duration("ms")), ["-PT1.5S", None]),
    "durations in a list": (pa.array([[90], None], pa.list_(pa.duration("s"))), [["PT90S"], None]),
    "times in an unknown zone": (
        pa.array([0, None], pa.timestamp("s", "Foo/Bar")),
        ["1970-01-01 00:00:00.000Z", None],
    ),
    "UUIDs": (pa.array([uuid.UUID(int=1).bytes, None], pa.uuid()), ["00000000-0000-0000-0000-000000000001", None]),
    "JSON": (pa.array(['{"a": 1}', None], pa.json_()), ['{"a": 1}', None]),
    "text without its mark, as old writers leave it": (pa.array(["süd".encode(), None]), ["süd", None]),
    "large integers": (pa.array([2**64 - 1, None], pa.uint64()), [2**64 - 1, None]),
    "texts of a dictionary in a struct": (
        pa.StructArray.from_arrays([pa.array(["a", "a"]).dictionary_encode()], ["of"]),
        [{"of": "a"}, {"of": "a"}],
    ),
}


@pytest.mark.parametrize("case", VALUES)
def test_values_of_any_type_are_carried(tmp_path, case):
    array, expected = VALUES[case]
    assert [each["x"] for each in carried(tmp_path, x=array)] == expected


@pytest.mark.parametrize(
    "name", ["Straße", "摄像头编号", "speed (km/h)", "lane/side", "2024_volume", "<script>", "a.b", "|", "کد", "🚦"]
)
def test_a_column_may_have_a_name_in_any_language(tmp_path, name):
    assert carried(tmp_path, **{name: pa.array(["x"])}) == [{name: "x"}]


@pytest.mark.parametrize("label", ["__index_level_0__", "Unnamed: 0"])
def test_row_labels_are_no_column(tmp_path, label):
    path = write(tmp_path / "m.parquet", [row(**{label: 3})])
    (batch,) = batches(path, tmp_path)
    assert (dict(batch.scenarios[0].extra), batch.carried, batch.left_out) == ({}, (), {})


LEFT_OUT = {
    "no name": ("", pa.array(["x"])),
    "a long name": ("n" * 65, pa.array(["x"])),
    "a name with an escape": ("a\x1bb", pa.array(["x"])),
    "bytes of a fixed size": ("x", pa.array([b"1234"], pa.binary(4))),
    "two fields of one name": ("x", pa.nulls(1, pa.struct([("a", pa.string()), ("a", pa.string())]))),
}


@pytest.mark.parametrize("case", LEFT_OUT)
def test_what_labels_cannot_carry_is_left_out_with_a_reason(tmp_path, case):
    name, array = LEFT_OUT[case]
    pq.write_table(table([row(note="y")]).append_column(name, array), tmp_path / "m.parquet")
    (batch,) = batches(tmp_path / "m.parquet", tmp_path)
    assert dict(batch.scenarios[0].extra) == {"note": "y"}
    assert batch.carried == ("note",)
    ((shown, reason),) = batch.left_out.items()
    assert shown.isprintable() and shown and reason


def test_columns_of_one_name_are_left_out(tmp_path):
    twice = table([row()]).append_column("note", pa.array(["a"])).append_column("note ", pa.array(["b"]))
    pq.write_table(twice, tmp_path / "m.parquet")
    (batch,) = batches(tmp_path / "m.parquet", tmp_path)
    assert dict(batch.scenarios[0].extra) == {} and list(batch.left_out) == ["note"]


TOO_MUCH = {
    "a long text": (pa.array(["n" * 10_001, "n" * 10_000]), "carried.too_long", "n" * 10_000),
    "a long list": (pa.array([["n" * 99] * 100, ["n"]]), "carried.too_long", ["n"]),
    "bytes": (pa.array([b"\x89PNG\xff", b"text"]), "carried.bytes", "text"),
    "bytes in a list": (
        pa.ListArray.from_arrays(pa.array([0, 1, 2], pa.int32()), pa.array([b"\xff", b"c"]).view(pa.string())),
        "carried.bytes",
        ["c"],
    ),
    "bytes in a struct": (
        pa.StructArray.from_arrays([pa.array([b"\xff", b"c"]).view(pa.string())], ["note"]),
        "carried.bytes",
        {"note": "c"},
    ),
}


@pytest.mark.parametrize("case", TOO_MUCH)
def test_a_value_that_cannot_be_carried_is_left_out_with_a_remark(tmp_path, case):
    array, code, second = TOO_MUCH[case]
    pq.write_table(table([row("a"), row("b")]).append_column("x", array), tmp_path / "m.parquet")
    (batch,) = batches(tmp_path / "m.parquet", tmp_path)
    assert batch.rejections == []
    assert [dict(each.extra) for each in batch.scenarios] == [{"x": None}, {"x": second}]
    (remark,) = batch.remarks
    assert (remark.row, remark.scenario_id, remark.column, remark.code) == (0, "a", "x", code)


def test_one_long_text_in_every_row_is_held_once(tmp_path):
    path = write(tmp_path / "m.parquet", [row(f"s-{i}", site="x" * 9000) for i in range(5_000)])
    scenarios, _ = read(path, tmp_path)
    assert {each.extra["site"] for each in scenarios} == {"x" * 9000}
    assert len({id(each.extra["site"]) for each in scenarios}) == 1
