"""Whole manifests: what a good row becomes, where rows come from, and what stops a manifest."""

import hashlib
import random
import re
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from its_core.clip import Participant, Scene
from its_core.scenarios import manifest
from its_core.scenarios.manifest import ManifestError, Rejection
from its_core.scenarios.manifest.parquet import reader
from its_core.scenarios.prompts.compose import DEFAULT_NEGATIVE_PROMPT
from its_core.taxonomy import (
    Aftermath,
    CameraWord,
    Cause,
    CollisionType,
    Colour,
    IncidentType,
    Light,
    ParticipantType,
    RoadLayout,
    RoadSurface,
    Role,
    Severity,
    Split,
    TrafficDensity,
    Weather,
)
from tests.scenarios.manifest.manifests import PARTICIPANTS, TEXT, anything_goes, batches, read, row, table, write


def test_a_full_row_keeps_every_word(tmp_path):
    participants = [
        {"type": "sedan", "colour": "black", "role": "at_fault"},
        {"type": "pickup", "colour": "silver", "role": "not_at_fault"},
        {"type": "bus", "colour": None, "role": "bystander"},
    ]
    full = row(
        "s-1",
        prompt="  A camera.\nLiterally this.\t",
        negative_prompt="",
        collision_type="rear-end",
        participants=participants,
        weather="rain",
        light="dusk",
        road_layout="highway",
        road_surface="wet",
        traffic_density="high",
        aftermath="pushed_forward",
        cause="inattention",
        severity="moderate",
        camera="sharp near",
        seed=2**31 - 1,
        variants=3,
        guidance=6.5,
        pair_id="p-1",
        split="val",
        site_note="north ramp",
        lanes=4,
        surveyed=True,
        tags=["a", "b"],
    )
    (scenario,), rejections = read(write(tmp_path / "m.parquet", [full]), tmp_path)
    assert rejections == []
    assert scenario.scene == Scene(
        "cam-1",
        IncidentType.REAR_END_COLLISION,
        CollisionType.REAR_END,
        (
            Participant(ParticipantType.SEDAN, Colour.BLACK, Role.AT_FAULT),
            Participant(ParticipantType.PICKUP, Colour.SILVER, Role.NOT_AT_FAULT),
            Participant(ParticipantType.BUS, None, Role.BYSTANDER),
        ),
        Weather.RAIN,
        Light.DUSK,
        RoadLayout.HIGHWAY,
        RoadSurface.WET,
        TrafficDensity.HIGH,
        Aftermath.PUSHED_FORWARD,
        Cause.INATTENTION,
        Severity.MODERATE,
        None,
        (CameraWord.NEAR, CameraWord.SHARP),
    )
    assert scenario.prompt == "  A camera.\nLiterally this.\t"
    assert (scenario.negative_prompt, scenario.seed, scenario.variants, scenario.guidance) == ("", 2**31 - 1, 3, 6.5)
    assert (scenario.pair_id, scenario.split, scenario.row) == ("p-1", Split.VAL, 0)
    assert dict(scenario.extra) == {"site_note": "north ramp", "lanes": 4, "surveyed": True, "tags": ["a", "b"]}
    assert (scenario.input_image, scenario.input_path, scenario.input_sha256) == (None, None, None)


@pytest.mark.parametrize("nulls", [False, True])
def test_absent_and_null_columns_have_the_same_defaults(tmp_path, nulls):
    names = ("prompt", "negative_prompt", "participants", "weather", "seed", "variants", "guidance", "pair_id", "split")
    optional = dict.fromkeys(names) if nulls else {}
    (scenario,), _ = read(write(tmp_path / "m.parquet", [row("s-1", **optional)]), tmp_path)
    assert scenario.prompt is None
    assert scenario.negative_prompt == DEFAULT_NEGATIVE_PROMPT
    assert scenario.seed == int(hashlib.sha256(b"s-1").hexdigest()[:8], 16) >> 1
    assert (scenario.variants, scenario.guidance, scenario.pair_id, scenario.split) == (1, 7.0, None, None)
    assert scenario.scene == Scene("cam-1", IncidentType.REAR_END_COLLISION)
    assert dict(scenario.extra) == {}


@pytest.mark.parametrize(
    ("incident", "types", "roles"),
    [
        ("rear_end_collision", ["suv", "van", "bus"], "at_fault not_at_fault bystander"),
        ("pedestrian_near_miss", ["pedestrian", "van", "pedestrian"], "not_at_fault at_fault not_at_fault"),
        ("multi_vehicle_pileup", ["suv", "van", "bus"], "at_fault not_at_fault not_at_fault"),
        ("single_vehicle_crash", ["suv", "van"], "at_fault bystander"),
        ("normal_traffic", ["suv", "van"], "bystander bystander"),
    ],
)
def test_roles_left_out_are_filled_in(tmp_path, incident, types, roles):
    cast = [{"type": kind} for kind in types]
    path = write(tmp_path / "m.parquet", [row(incident_type=incident, participants=cast)])
    (scenario,), _ = read(path, tmp_path)
    assert " ".join(p.role for p in scenario.scene.participants) == roles


def test_given_roles_stay_and_the_rest_follow_them(tmp_path):
    cast = [{"type": "suv"}, {"type": "van", "role": "at_fault"}, {"type": "bus"}]
    (scenario,), _ = read(write(tmp_path / "m.parquet", [row(participants=cast)]), tmp_path)
    assert [p.role for p in scenario.scene.participants] == [Role.NOT_AT_FAULT, Role.AT_FAULT, Role.BYSTANDER]


def test_a_manifest_written_with_pandas_is_read(tmp_path):
    frame = pd.DataFrame([row("a", seed=3, note="x"), row("b", light="day")])
    frame["weather"] = pd.Categorical(["clear", None])
    frame[frame.scenario_id >= "a"].iloc[::-1].to_parquet(tmp_path / "m.parquet")
    scenarios, rejections = read(tmp_path / "m.parquet", tmp_path)
    assert rejections == []
    assert [each.scenario_id for each in scenarios] == ["b", "a"]
    assert scenarios[1].seed == 3  # came as 3.0, for the column has a gap
    assert scenarios[1].scene.weather is Weather.CLEAR and scenarios[0].scene.weather is None
    assert [dict(each.extra) for each in scenarios] == [{"note": None}, {"note": "x"}]


def test_large_and_dictionary_types_are_read_like_plain_ones(tmp_path):
    cast = pa.large_list(pa.struct([("type", pa.large_string()), ("role", TEXT)]))
    rows = [row(participants=[{"type": "suv", "role": "at_fault"}], light="day")]
    path = write(tmp_path / "m.parquet", rows, participants=cast, scenario_id=pa.large_string(), light=pa.string_view())
    (scenario,), _ = read(path, tmp_path)
    assert scenario.scene.participants == (Participant(ParticipantType.SUV, None, Role.AT_FAULT),)
    assert (scenario.scenario_id, scenario.scene.light) == ("good", Light.DAY)


def test_a_folder_and_a_glob_are_read_in_the_order_of_names(tmp_path):
    folder = tmp_path / "many"
    write(folder / "b.parquet", [row("b-1"), row("b-2")])
    write(folder / "a.parquet", [row("a-1", site="x")])
    write(folder / "more" / "c.parquet", [row("c-1")])
    write(folder / "_temporary" / "d.parquet", [row("d-1")])
    write(folder / ".hidden.parquet", [row("e-1")])
    (folder / "notes.txt").write_text("no manifest")
    scenarios, _ = read(folder, tmp_path)
    assert [(each.row, each.scenario_id) for each in scenarios] == [(0, "a-1"), (1, "b-1"), (2, "b-2"), (3, "c-1")]
    assert [dict(each.extra) for each in scenarios] == [{"site": "x"}, {}, {}, {}]
    assert [each.scenario_id for each in read(folder / "[ab].parquet", tmp_path)[0]] == ["a-1", "b-1", "b-2"]
    assert [each.scenario_id for each in read(f"file://{folder}/b.parquet", tmp_path)[0]] == ["b-1", "b-2"]


def test_rows_come_in_batches_and_bad_ones_stop_nothing(tmp_path):
    rows = [row(f"s-{i}", light="day" if i % 7 else "noon") for i in range(500)]
    found = batches(write(tmp_path / "m.parquet", rows), tmp_path, batch_rows=64)
    assert [len(batch.scenarios) + len(batch.rejections) for batch in found] == [64] * 7 + [52]
    assert [each.row for batch in found for each in batch.rejections] == list(range(0, 500, 7))
    assert [each.row for batch in found for each in batch.scenarios] == [i for i in range(500) if i % 7]


def test_long_rows_make_smaller_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "LIMITS", replace(reader.LIMITS, batch_bytes=100_000))
    rows = [row(f"s-{i}", prompt=f"{i} " * 300) for i in range(400)]
    found = batches(write(tmp_path / "m.parquet", rows), tmp_path)
    assert max(len(batch.scenarios) for batch in found) < 200
    assert sum(len(batch.scenarios) for batch in found) == 400


def test_nothing_is_read_ahead_of_the_reader(tmp_path):
    write(tmp_path / "many" / "1.parquet", [row("a")])
    (tmp_path / "many" / "2.parquet").write_bytes(b"not parquet")
    reading = manifest.read(
        str(tmp_path / "many"),
        base_folder=str(tmp_path),
        allowed_inputs=[],
        input_cache=tmp_path,
        engine_needs_input=False,
        unsupported=anything_goes,
    )
    assert next(reading).scenarios[0].scenario_id == "a"
    with pytest.raises(ManifestError, match=r"2\.parquet") as stopped:
        next(reading)
    assert stopped.value.code == "manifest.unreadable"


def test_doubles_are_found_across_batches_and_files(tmp_path):
    write(tmp_path / "many" / "1.parquet", [row(f"s-{i}") for i in range(100)])
    write(tmp_path / "many" / "2.parquet", [row(f"s-{i}") for i in (200, 7, 201, 99, 201)])
    scenarios, rejections = read(tmp_path / "many", tmp_path, batch_rows=16)
    assert len(scenarios) == 102
    assert {(each.code, each.column) for each in rejections} == {("row.duplicate_id", "scenario_id")}
    firsts = [int(re.search(r"row (\d+)", each.reason)[1]) for each in rejections]
    found = [(each.row, each.value, first) for each, first in zip(rejections, firsts, strict=True)]
    assert found == [(101, "s-7", 7), (103, "s-99", 99), (104, "s-201", 102)]


def test_a_rejected_row_does_not_claim_its_id(tmp_path):
    rows = [row("s-1", light="noon"), row("s-1"), row("s-1")]
    scenarios, rejections = read(write(tmp_path / "m.parquet", rows), tmp_path)
    assert [each.row for each in scenarios] == [1]
    assert [(each.row, each.column) for each in rejections] == [(0, "light"), (2, "scenario_id")]


def test_one_rejection_tells_all_that_is_wrong_with_a_row(tmp_path):
    bad = row("a/b", weather="sunny", light="daytime", seed=-1)
    _, (rejection,) = read(write(tmp_path / "m.parquet", [bad]), tmp_path)
    assert (rejection.row, rejection.scenario_id, rejection.column, rejection.value) == (0, None, "scenario_id", "a/b")
    for name in ("weather", "light", "seed"):
        assert f" Also {name}: " in rejection.reason


def test_rejections_are_written_as_a_table(tmp_path):
    path = tmp_path / "rejected.parquet"
    rejections = [
        Rejection(3, None, "scenario_id", "", "missing", "value.missing"),
        Rejection(9, "s", None, "", "no", "engine.unsupported"),
    ]
    manifest.write_rejections(path, iter(rejections))
    assert [Rejection(**each) for each in pq.read_table(path).to_pylist()] == rejections
    manifest.write_rejections(path, [])
    assert pq.read_table(path).num_rows == 0
    assert [each.name for each in tmp_path.iterdir()] == ["rejected.parquet"]


# What is there, the code, and what the message must name.
UNUSABLE = {
    "no id column": (
        lambda path: pq.write_table(table([row()]).rename_columns(["Scenario ID", "camera_id", "incident_type"]), path),
        "manifest.columns",
        ["'scenario_id'", "'Scenario ID'"],
    ),
    "no camera column": (
        lambda path: pq.write_table(table([row()]).drop_columns(["camera_id"]), path),
        "manifest.columns",
        ["'camera_id'"],
    ),
    "a column twice": (
        lambda path: pq.write_table(table([row()]).append_column("camera_id\r", pa.array(["x"])), path),
        "manifest.columns",
        ["'camera_id'"],
    ),
    "ids as broken numbers": (
        lambda path: write(path, [row(17.5)], scenario_id=pa.float64()),
        "manifest.column_type",
        ["'scenario_id'", "double"],
    ),
    "variants as booleans": (
        lambda path: write(path, [row(variants=True)], variants=pa.bool_()),
        "manifest.column_type",
        ["'variants'", "bool"],
    ),
    "participants as text": (
        lambda path: write(path, [row(participants="red sedan")], participants=TEXT),
        "manifest.column_type",
        ["'participants'", "string", "type, colour and role"],
    ),
    "participants misspelt": (
        lambda path: write(
            path,
            [row(participants=[{"type": "suv", "color": "red"}])],
            participants=pa.list_(pa.struct([("type", TEXT), ("color", TEXT)])),
        ),
        "manifest.column_type",
        ["'color'"],
    ),
    "no rows": (lambda path: pq.write_table(table([row()]).slice(0, 0), path), "manifest.no_rows", []),
    "not Parquet": (lambda path: path.write_text("scenario_id,camera_id\n"), "manifest.unreadable", []),
    "cut short": (
        lambda path: path.write_bytes(write(path, [row()]).read_bytes()[:-40]),
        "manifest.unreadable",
        [],
    ),
    "no such file": (str, "manifest.not_there", []),
    "an empty folder": (lambda path: path.mkdir(), "manifest.not_there", []),
    "a folder of text": (
        lambda path: (path.mkdir(), (path / "rows.csv").touch()),
        "manifest.not_there",
        ["rows.csv"],
    ),
    "a Delta Lake table": (
        lambda path: (
            write(path / "part-0.parquet", [row()]),
            (path / "_delta_log").mkdir(),
            (path / "_delta_log/0.json").touch(),
        ),
        "manifest.table_format",
        ["Delta Lake"],
    ),
    "an Iceberg table": (
        lambda path: (
            write(path / "data/0.parquet", [row()]),
            (path / "metadata").mkdir(),
            (path / "metadata/v1.metadata.json").touch(),
        ),
        "manifest.table_format",
        ["Iceberg"],
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_unusable_manifest_stops_with_one_line(tmp_path, case):
    make, code, named = UNUSABLE[case]
    path = tmp_path / "m.parquet"
    make(path)
    with pytest.raises(ManifestError) as stopped:
        read(path, tmp_path)
    assert stopped.value.code == code
    assert all(name in str(stopped.value) for name in (str(path), *named)) and "\n" not in str(stopped.value)


@pytest.mark.parametrize("url", ["https://host/m.parquet", "/no/such/*.parquet", "zip://m.parquet::s3://b/m.zip"])
def test_a_place_without_manifests_stops_with_one_line(tmp_path, url):
    with pytest.raises(ManifestError) as stopped:
        read(url, tmp_path)
    assert stopped.value.code == "manifest.not_there"
    assert url in str(stopped.value) and "\n" not in str(stopped.value)


def test_a_column_that_is_all_null_needs_no_type(tmp_path):
    rows = table([row()]).append_column("participants", pa.nulls(1)).append_column("light", pa.nulls(1))
    pq.write_table(rows.append_column("seed", pa.nulls(1)), tmp_path / "m.parquet")
    scenarios, rejections = read(tmp_path / "m.parquet", tmp_path)
    assert len(scenarios) == 1 and rejections == []


def test_the_tables_of_participants_may_be_empty(tmp_path):
    rows = [row("a", participants=[]), row("b", participants=None), row("c", participants=[{"type": "suv"}])]
    scenarios, _ = read(write(tmp_path / "m.parquet", rows, participants=PARTICIPANTS), tmp_path)
    assert [len(each.scene.participants) for each in scenarios] == [0, 0, 1]


def test_whatever_is_damaged_in_a_file_is_told_in_a_line(tmp_path):
    whole = write(tmp_path / "whole.parquet", [row(f"s{number}", tags=["a"], note="b") for number in range(20)])
    chance, told = random.Random(0), 0
    for _ in range(100):
        damaged = bytearray(whole.read_bytes())
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        (tmp_path / "m.parquet").write_bytes(damaged)
        try:
            read(tmp_path / "m.parquet", tmp_path)
        except ManifestError as error:
            told += 1
            assert "\n" not in str(error)
    assert told > 30


@pytest.mark.parametrize("distinct", [3, 3000], ids=["few texts", "more than a dictionary holds"])
def test_lists_of_texts_are_read_from_many_row_groups(tmp_path, distinct):
    people = [{"type": "sedan", "colour": "red", "role": "at_fault"}]
    rows = [
        row(f"s{number}", participants=people, tags=[f"{number % distinct:04d}" * 100, "b"]) for number in range(6000)
    ]
    pq.write_table(table(rows), tmp_path / "m.parquet", row_group_size=4000, dictionary_pagesize_limit=100_000)
    found = batches(tmp_path / "m.parquet", tmp_path, batch_rows=1500)
    scenarios = [each for batch in found for each in batch.scenarios]
    assert [each.scenario_id for each in scenarios] == [f"s{number}" for number in range(6000)]
    assert [each.extra["tags"] for each in scenarios] == [each["tags"] for each in rows]
    assert {each.scene.participants[0].colour for each in scenarios} == {Colour.RED}


def test_relative_paths_count_from_the_folder_before_a_wildcard(tmp_path):
    write(tmp_path / "data" / "north" / "x.parquet", [row()])
    assert manifest.base_folder(f"{tmp_path}/data/*/x.parquet") == str(tmp_path / "data")
    assert manifest.base_folder(f"{tmp_path}/data/north/x.parquet") == str(tmp_path / "data" / "north")
    assert manifest.base_folder(f"{tmp_path}/data") == f"{tmp_path}/data"
    assert manifest.base_folder("x.parquet") == "."
