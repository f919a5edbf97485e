"""Manifests that other programs wrote: what pyarrow can read is read, and no file beside them is ignored in silence."""

import decimal
import random
import subprocess
import sys
import unicodedata
from pathlib import Path
from urllib.parse import quote

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from its_core.scenarios.manifest import ManifestError, parquet
from its_core.scenarios.manifest.parquet import child, reader
from its_core.scenarios.manifest.parquet.reader import ParquetReader, UnreadableFile
from its_core.taxonomy import Light, Split
from tests.scenarios.manifest.manifests import PARTICIPANTS, batches, read, row, table, write

ENCODINGS = {
    "delta lengths": {"note": "DELTA_LENGTH_BYTE_ARRAY", "scenario_id": "DELTA_LENGTH_BYTE_ARRAY"},
    "delta texts": {"note": "DELTA_BYTE_ARRAY", "scenario_id": "DELTA_BYTE_ARRAY"},
    "delta texts in lists": {"tags.list.element": "DELTA_BYTE_ARRAY"},
    "delta texts in structs": {"participants.list.element.type": "DELTA_LENGTH_BYTE_ARRAY"},
    "numbers": {"seed": "DELTA_BINARY_PACKED", "guidance": "BYTE_STREAM_SPLIT"},
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("page_version", ["1.0", "2.0"])
def test_every_encoding_is_read(tmp_path, encoding, page_version):
    people = [{"type": "suv", "colour": None, "role": None}]
    rows = [
        row(f"s{i}", note=f"n {i % 7}", tags=["a", f"{i}"], participants=people, seed=i, guidance=i / 10)
        for i in range(150)
    ]
    pq.write_table(
        table(rows, participants=PARTICIPANTS),
        tmp_path / "m.parquet",
        use_dictionary=False,
        column_encoding=ENCODINGS[encoding],
        data_page_version=page_version,
        row_group_size=60,
    )
    found = batches(tmp_path / "m.parquet", tmp_path, batch_rows=50)
    scenarios = [each for batch in found for each in batch.scenarios]
    assert [(each.scenario_id, each.seed) for each in scenarios] == [(f"s{i}", i) for i in range(150)]
    assert [dict(each.extra) for each in scenarios] == [{"note": each["note"], "tags": each["tags"]} for each in rows]


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "lz4", "zstd"])
def test_every_compression_is_read(tmp_path, compression):
    pq.write_table(table([row()]), tmp_path / "m.parquet", compression=compression)
    assert len(read(tmp_path / "m.parquet", tmp_path)[0]) == 1


def test_encodings_that_the_file_does_not_own_up_to_are_read(tmp_path, monkeypatch):
    """Where the metadata names no delta encoding the text is asked for as a dictionary, which then cannot be made."""
    rows = [row(f"s{i}", note=f"n {i}") for i in range(250)]
    path = tmp_path / "m.parquet"
    pq.write_table(
        table(rows), path, use_dictionary=False, column_encoding={"note": "DELTA_BYTE_ARRAY"}, row_group_size=100
    )
    monkeypatch.setattr(child, "_DICTIONARY_READABLE", {*child._DICTIONARY_READABLE, "DELTA_BYTE_ARRAY"})
    answers = (tmp_path / "answers").open("wb")
    child._read(str(path), 60, reader.LIMITS, answers)
    answers.close()
    with (tmp_path / "answers").open("rb") as answered:
        found = []
        while answered.readline() == b'{"stream": true}\n':
            with pa.ipc.open_stream(answered) as stream:
                found += [text for batch in stream for text in batch.column("note").to_pylist()]
    assert found == [f"n {i}" for i in range(250)]


@pytest.mark.parametrize("kind", [pa.decimal128(38, 0), pa.decimal256(60, 0), pa.uint64(), pa.int8(), pa.float32()])
def test_numbers_may_have_any_type(tmp_path, kind):
    value = decimal.Decimal(7) if pa.types.is_decimal(kind) else 7
    rows = table([row("a"), row("b")]).append_column("seed", pa.array([value, None], kind))
    pq.write_table(rows, tmp_path / "m.parquet")
    scenarios, rejections = read(tmp_path / "m.parquet", tmp_path)
    assert rejections == [] and scenarios[0].seed == 7 and scenarios[1].seed != 7


def test_decimals_keep_their_places(tmp_path):
    values = pa.array([decimal.Decimal("7.5"), decimal.Decimal("20.1")], pa.decimal128(4, 1))
    pq.write_table(table([row("a"), row("b")]).append_column("guidance", values), tmp_path / "m.parquet")
    (scenario,), (rejection,) = read(tmp_path / "m.parquet", tmp_path)
    assert scenario.guidance == 7.5 and (rejection.code, rejection.value) == ("value.range", "20.1")


@pytest.mark.parametrize("column", ["seed", "variants", "guidance"])
def test_not_a_number_is_none(tmp_path, column):
    path = write(tmp_path / "m.parquet", [row(**{column: float("nan")})], **{column: pa.float64()})
    (scenario,), _ = read(path, tmp_path)
    (other,), _ = read(write(tmp_path / "n.parquet", [row()]), tmp_path)
    assert getattr(scenario, column) == getattr(other, column)


def test_ids_may_be_whole_numbers(tmp_path):
    rows = [row(1, camera_id=17, pair_id=None), row(2, camera_id=17, pair_id=5)]
    kinds = {"scenario_id": pa.int64(), "camera_id": pa.int32(), "pair_id": pa.uint16()}
    scenarios, _ = read(write(tmp_path / "m.parquet", rows, **kinds), tmp_path)
    assert [(each.scenario_id, each.scene.camera_id, each.pair_id) for each in scenarios] == [
        ("1", "17", None),
        ("2", "17", "5"),
    ]


def test_what_windows_leaves_in_texts_is_taken_off(tmp_path):
    rows = [
        {
            "\ufeffscenario_id": "\ufeffa",
            "camera_id ": "cam-1 ",
            "incident_type": "normal_traffic\r",
            "prompt": "\ufeffA camera.\r\nA car.\rThe end.",
            "light\r": "day\r\n",
            "note\r": "kept\r",
        }
    ]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "m.parquet")
    (scenario,), rejections = read(tmp_path / "m.parquet", tmp_path)
    assert rejections == []
    assert (scenario.scenario_id, scenario.scene.camera_id, scenario.scene.light) == ("a", "cam-1", Light.DAY)
    assert scenario.prompt == "A camera.\nA car.\nThe end."
    assert dict(scenario.extra) == {"note": "kept\r"}


def partitioned(folder: Path, keys: list[str], **changes) -> Path:
    """Three rows as pandas writes them into folders of these keys."""
    rows = [
        {**row(f"s{i}"), "camera_id": f"c{i}", "split": "test" if i == 0 else "train", "site": f"north {i}%", "seed": i}
        for i in range(3)
    ]
    pd.DataFrame(rows).assign(**changes).to_parquet(folder / "scenarios", partition_cols=keys)
    return folder / "scenarios"


def test_folders_named_key_value_are_columns(tmp_path):
    (batch, *others) = batches(partitioned(tmp_path, ["split", "site"]), tmp_path)
    scenarios = [each for one in (batch, *others) for each in one.scenarios]
    assert {each.scenario_id: (each.split, each.extra["site"]) for each in scenarios} == {
        "s0": (Split.TEST, "north 0%"),
        "s1": (Split.TRAIN, "north 1%"),
        "s2": (Split.TRAIN, "north 2%"),
    }
    assert batch.from_folders == ("split", "site")


@pytest.mark.parametrize("key", ["camera_id", "scenario_id", "incident_type", "seed"])
def test_any_column_may_be_a_folder(tmp_path, key):
    scenarios, rejections = read(partitioned(tmp_path, [key]), tmp_path)
    assert rejections == []
    found = {(each.scenario_id, each.scene.camera_id, each.seed) for each in scenarios}
    assert found == {(f"s{i}", f"c{i}", i) for i in range(3)}


def test_a_null_has_a_folder_of_its_own(tmp_path):
    scenarios, _ = read(partitioned(tmp_path, ["weather"], weather=["clear", None, "clear"]), tmp_path)
    assert {each.scenario_id: each.scene.weather for each in scenarios} == {"s0": "clear", "s1": None, "s2": "clear"}


def test_names_of_folders_are_unquoted(tmp_path):
    path = tmp_path / "m" / f"{quote('Stra=ße', safe='')}={quote('a/b=c', safe='')}" / "x.parquet"
    write(path, [row()])
    for url in (tmp_path / "m", path, tmp_path / "m" / "*" / "x.parquet", path.parent):
        (scenario,), _ = read(url, tmp_path)
        assert dict(scenario.extra) == {"Stra=ße": "a/b=c"}


def test_a_folder_and_its_files_may_say_the_same(tmp_path):
    write(tmp_path / "m" / "split=test" / "seed=7" / "x.parquet", [row(split="test", seed=7)])
    (scenario,), _ = read(tmp_path / "m", tmp_path)
    assert (scenario.split, scenario.seed) == (Split.TEST, 7)
    write(tmp_path / "m" / "split=test" / "seed=8" / "y.parquet", [row("b", split="train", seed=8)])
    with pytest.raises(ManifestError, match=r"y\.parquet") as stopped:
        read(tmp_path / "m", tmp_path)
    assert stopped.value.code == "manifest.partitions"


def test_folders_that_contradict_each_other_are_refused(tmp_path):
    write(tmp_path / "m" / "split=test" / "split=train" / "x.parquet", [row()])
    with pytest.raises(ManifestError) as stopped:
        read(tmp_path / "m", tmp_path)
    assert stopped.value.code == "manifest.partitions"


def test_every_name_of_a_parquet_file_is_read(tmp_path):
    for number, name in enumerate(
        ["a.parquet", "b.PARQUET", "c.parq", "d.pq", "e.snappy.parquet", "f=1/_x.y/g.parquet"]
    ):
        write(tmp_path / "m" / name, [row(f"s{number}")])
    scenarios, _ = read(tmp_path / "m", tmp_path)
    assert [each.scenario_id for each in scenarios] == [f"s{number}" for number in range(5)]


def test_files_beside_are_named(tmp_path):
    write(tmp_path / "a.parquet", [row("a")])
    names = ["b.csv", "part-00001", "_c.parquet", ".d.parquet", "_temporary/0/e.parquet", "f.parquet.tmp", "g/h.json"]
    quiet = ["._a.parquet", "_SUCCESS", "_metadata", ".a.parquet.crc", ".DS_Store", ".its/clips/x.mp4", "dataset.yaml"]
    for name in (*names, *quiet):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"\0\5\x16\7")
    listing = parquet.list_files(str(tmp_path))
    assert list(listing.files) == [f"{tmp_path}/a.parquet"]
    assert set(listing.not_read) == set(names)


def test_a_pattern_matches_no_hidden_file(tmp_path):
    write(tmp_path / "a.parquet", [row("a")])
    (tmp_path / "._a.parquet").write_bytes(b"\0\5\x16\7")
    write(tmp_path / "_b.parquet", [row("b")])
    assert [each.scenario_id for each in read(tmp_path / "*.parquet", tmp_path)[0]] == ["a"]
    assert parquet.list_files(f"{tmp_path}/*.parquet").not_read == ("_b.parquet",)


def test_a_folder_that_a_pattern_matches_stands_for_its_files(tmp_path):
    write(tmp_path / "one.parquet", [row("a")])
    write(tmp_path / "two.parquet" / "part-0.snappy.parquet", [row("b")])
    (tmp_path / "two.parquet" / "_SUCCESS").touch()
    assert [each.scenario_id for each in read(tmp_path / "*.parquet", tmp_path)[0]] == ["a", "b"]


def test_a_name_with_wildcards_in_it_is_a_name(tmp_path):
    write(tmp_path / "day [1]*.parquet", [row("a")])
    write(tmp_path / "day 1x.parquet", [row("b")])
    assert [each.scenario_id for each in read(tmp_path / "day [1]*.parquet", tmp_path)[0]] == ["a"]


def test_names_of_folders_may_be_in_any_unicode_form(tmp_path):
    folder = unicodedata.normalize("NFD", "größe=süd")
    write(tmp_path / "m" / folder / "x.parquet", [row()])
    (scenario,), _ = read(tmp_path / "m", tmp_path)
    assert {unicodedata.normalize("NFC", name) for name in scenario.extra} == {"größe"}


def test_a_file_that_ends_the_process_that_reads_it_costs_a_line(tmp_path, monkeypatch):
    """A stand-in for a defect in the decoder: the child aborts when it opens a file of this name."""
    deadly = tmp_path / "child.py"
    deadly.write_text(
        Path(child.__file__).read_text().replace("    plain = pq.ParquetFile(path)\n", "    os.abort()\n")
    )
    monkeypatch.setattr(reader, "_CHILD", deadly)
    write(tmp_path / "m.parquet", [row()])
    with ParquetReader() as parquet_reader:
        for _ in range(2):
            with pytest.raises(UnreadableFile, match="SIGABRT"):
                list(parquet_reader.batches(tmp_path / "m.parquet", 10, reader.LIMITS))
        monkeypatch.setattr(reader, "_CHILD", Path(child.__file__))
        assert [each.num_rows for each in parquet_reader.batches(tmp_path / "m.parquet", 10, reader.LIMITS)] == [1]


def test_what_fills_the_memory_costs_a_line(tmp_path):
    """A text of a megabyte, in delta encoding, in each of 800 rows: it stands in the file once."""
    text = pa.array(["x" * 1_000_000] * 8)
    rows = pa.table({"note": pa.concat_arrays([text] * 100)})
    pq.write_table(
        rows,
        tmp_path / "m.parquet",
        use_dictionary=False,
        column_encoding={"note": "DELTA_BYTE_ARRAY"},
        compression="zstd",
    )
    code = f"""
import sys
sys.path.insert(0, {str(Path(child.__file__).parent)!r})
import child
child.MAX_MEMORY_BYTES = 600 << 20
child.main()
"""
    order = '{"path": "%s", "batch_rows": 32768, "limits": %s}\n'
    limits = '{"chunk_values": 20000000, "group_values": 100000000, "group_bytes": 536870912, "batch_bytes": 67108864}'
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=(order % (tmp_path / "m.parquet", limits)).encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b'"refused": "needs more than the ' in done.stdout.splitlines()[-1]


def test_any_damage_is_told_in_a_line_by_a_process_that_lives_on(tmp_path):
    rows = [row(f"s{i}", note=f"n {i % 5}", tags=["a"] * (i % 3), seed=i) for i in range(400)]
    chance = random.Random(1)
    for compression in ("none", "zstd"):
        pq.write_table(table(rows), tmp_path / "m.parquet", compression=compression)
        whole = (tmp_path / "m.parquet").read_bytes()
        for _ in range(60):
            damaged = bytearray(whole)
            start = chance.randrange(len(damaged))
            damaged[start : start + 8] = chance.randbytes(8)
            (tmp_path / "m.parquet").write_bytes(damaged)
            try:
                read(tmp_path / "m.parquet", tmp_path)
            except ManifestError as error:
                assert "\n" not in str(error)
