"""Whole manifests: what a good row becomes, where rows come from, and what stops a manifest."""

import hashlib
import random
import re

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from its_core.clip import Participant, Scene
from its_core.scenarios import manifest
from its_core.scenarios.manifest import ManifestError, Rejection
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


def test_extra_columns_become_json_values(tmp_path):
    extra = {
        "when": pa.array([pd.Timestamp("2026-05-04 06:07:08"), None], pa.timestamp("ns")),
        "cost": pa.array([None, "1.50"]).cast(pa.decimal128(5, 2)),
        "ratio": pa.array([float("nan"), 0.5]),
        "place": pa.array([{"lat": float("inf"), "names": ["a"]}, None]),
        "kind": pa.array(["x", "x"]).dictionary_encode(),
        "nothing": pa.nulls(2),
    }
    rows = table([row("a"), row("b")])
    for name, array in extra.items():
        rows = rows.append_column(name, array)
    pq.write_table(rows, tmp_path / "m.parquet")
    first, second = (dict(each.extra) for each in read(tmp_path / "m.parquet", tmp_path)[0])
    assert first.pop("when").startswith("2026-05-04 06:07:08")
    assert first == {"cost": None, "ratio": None, "place": {"lat": None, "names": ["a"]}, "kind": "x", "nothing": None}
    assert second == {"when": None, "cost": "1.50", "ratio": 0.5, "place": None, "kind": "x", "nothing": None}


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
    monkeypatch.setattr("its_core.scenarios.manifest.parquet_source.BATCH_BYTES", 100_000)
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
        refuses=anything_goes,
    )
    assert next(reading).scenarios[0].scenario_id == "a"
    with pytest.raises(ManifestError, match=r"2\.parquet: cannot be read as Parquet"):
        next(reading)


def test_doubles_are_found_across_batches_and_files(tmp_path):
    write(tmp_path / "many" / "1.parquet", [row(f"s-{i}") for i in range(100)])
    write(tmp_path / "many" / "2.parquet", [row(f"s-{i}") for i in (200, 7, 201, 99, 201)])
    scenarios, rejections = read(tmp_path / "many", tmp_path, batch_rows=16)
    assert len(scenarios) == 102
    assert [(each.row, each.value, each.reason) for each in rejections] == [
        (101, "s-7", "occurs before, in row 7; ids must differ"),
        (103, "s-99", "occurs before, in row 99; ids must differ"),
        (104, "s-201", "occurs before, in row 102; ids must differ"),
    ]


def test_a_rejected_row_does_not_claim_its_id(tmp_path):
    rows = [row("s-1", light="noon"), row("s-1"), row("s-1")]
    scenarios, rejections = read(write(tmp_path / "m.parquet", rows), tmp_path)
    assert [each.row for each in scenarios] == [1]
    assert [(each.row, each.column) for each in rejections] == [(0, "light"), (2, "scenario_id")]


def test_the_engine_has_its_say(tmp_path):
    rows = [row("a", light="night"), row("b", light="day"), row("c", light="night", prompt="A night.")]
    asked = []

    def refuses(scene: Scene, has_input: bool) -> str | None:
        asked.append((scene.light, has_input))
        return "cannot do night" if scene.light is Light.NIGHT else None

    scenarios, rejections = read(write(tmp_path / "m.parquet", rows), tmp_path, refuses=refuses)
    assert [each.scenario_id for each in scenarios] == ["b"]
    assert rejections == [
        Rejection(0, "a", None, "", "cannot do night"),
        Rejection(2, "c", None, "", "cannot do night"),
    ]
    assert asked == [(Light.NIGHT, False), (Light.DAY, False), (Light.NIGHT, False)]


def test_one_rejection_tells_all_that_is_wrong_with_a_row(tmp_path):
    bad = row("a/b", weather="sunny", light="daytime", seed=-1)
    _, (rejection,) = read(write(tmp_path / "m.parquet", [bad]), tmp_path)
    assert (rejection.row, rejection.scenario_id, rejection.column, rejection.value) == (0, None, "scenario_id", "a/b")
    for name in ("weather", "light", "seed"):
        assert f" Also {name}: " in rejection.reason


def test_rejections_are_written_as_a_table(tmp_path):
    path = tmp_path / "rejected.parquet"
    manifest.write_rejections(
        path, iter([Rejection(3, None, "scenario_id", "", "missing"), Rejection(9, "s", None, "", "no")])
    )
    assert pq.read_table(path).to_pylist() == [
        {"row": 3, "scenario_id": None, "column": "scenario_id", "value": "", "reason": "missing"},
        {"row": 9, "scenario_id": "s", "column": None, "value": "", "reason": "no"},
    ]
    manifest.write_rejections(path, [])
    assert pq.read_table(path).num_rows == 0
    assert [each.name for each in tmp_path.iterdir()] == ["rejected.parquet"]


UNUSABLE = {
    "no id column": (
        lambda path: pq.write_table(table([row()]).rename_columns(["Scenario ID", "camera_id", "incident_type"]), path),
        "the required column 'scenario_id' is missing (rename 'Scenario ID'?); every row needs one",
    ),
    "no camera column": (
        lambda path: pq.write_table(table([row()]).drop_columns(["camera_id"]), path),
        "the required column 'camera_id' is missing; every row needs one",
    ),
    "a column twice": (
        lambda path: pq.write_table(table([row()]).append_column("camera_id", pa.array(["x"])), path),
        "column 'camera_id' occurs more than once; keep one of them",
    ),
    "ids as numbers": (
        lambda path: write(path, [row(17)], scenario_id=pa.int64()),
        "column 'scenario_id' has type int64; it must be text (a Parquet string)",
    ),
    "a prompt as bytes": (
        lambda path: write(path, [row(prompt=b"x")], prompt=pa.binary()),
        "column 'prompt' has type binary; it must be text (a Parquet string)",
    ),
    "a seed as text": (
        lambda path: write(path, [row(seed="12")], seed=TEXT),
        "column 'seed' has type string; it must be a number",
    ),
    "variants as booleans": (
        lambda path: write(path, [row(variants=True)], variants=pa.bool_()),
        "column 'variants' has type bool; it must be a number",
    ),
    "participants as text": (
        lambda path: write(path, [row(participants="red sedan")], participants=TEXT),
        "'participants' has type string; it must be a list of structs with the text fields type, colour and role",
    ),
    "participants misspelt": (
        lambda path: write(
            path,
            [row(participants=[{"type": "suv", "color": "red"}])],
            participants=pa.list_(pa.struct([("type", TEXT), ("color", TEXT)])),
        ),
        "it must be a list of structs with the text fields type, colour and role, without the field 'color'",
    ),
    "an extra column of bytes": (
        lambda path: write(path, [row(thumbnail=b"\x89PNG")]),
        "column 'thumbnail' has type binary, which labels cannot carry; use text, numbers, booleans, dates, or lists "
        "and structs of them, or leave the column out",
    ),
    "an extra column with a name for mischief": (
        lambda path: write(path, [row(**{"<script>": "x"})]),
        "'<script>' cannot be a column's name; use up to 64 letters, digits and _ - .",
    ),
    "no rows": (lambda path: pq.write_table(table([row()]).slice(0, 0), path), "the manifest has no rows"),
    "not Parquet": (lambda path: path.write_text("scenario_id,camera_id\n"), "cannot be read as Parquet (ArrowInvalid"),
    "cut short": (
        lambda path: path.write_bytes(write(path, [row()]).read_bytes()[:-40]),
        "cannot be read as Parquet (ArrowInvalid",
    ),
    "no such file": (str, "no such manifest; name a Parquet file, a folder of them or a glob"),
    "an empty folder": (lambda path: path.mkdir(), "no Parquet file there"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_unusable_manifest_stops_with_one_line(tmp_path, case):
    make, message = UNUSABLE[case]
    path = tmp_path / "m.parquet"
    make(path)
    with pytest.raises(ManifestError) as stopped:
        read(path, tmp_path)
    assert message in str(stopped.value)
    assert str(path) in str(stopped.value) and "\n" not in str(stopped.value)


@pytest.mark.parametrize("url", ["https://host/m.parquet", "/no/such/*.parquet", "zip://m.parquet::s3://b/m.zip"])
def test_a_place_without_manifests_stops_with_one_line(tmp_path, url):
    with pytest.raises(ManifestError, match=r"neither a local path nor an S3 URL|no Parquet file there") as stopped:
        read(url, tmp_path)
    assert url in str(stopped.value) and "\n" not in str(stopped.value)


def test_a_column_that_is_all_null_needs_no_type(tmp_path):
    rows = table([row()]).append_column("participants", pa.nulls(1)).append_column("light", pa.nulls(1))
    pq.write_table(rows.append_column("seed", pa.nulls(1)), tmp_path / "m.parquet")
    scenarios, rejections = read(tmp_path / "m.parquet", tmp_path)
    assert len(scenarios) == 1 and rejections == []


def test_one_long_text_in_every_row_is_held_once(tmp_path):
    path = write(tmp_path / "m.parquet", [row(f"s-{i}", site="x" * 9000) for i in range(20_000)])
    scenarios, _ = read(path, tmp_path)
    assert {each.extra["site"] for each in scenarios} == {"x" * 9000}
    assert len({id(each.extra["site"]) for each in scenarios}) == 1


def test_the_tables_of_participants_may_be_empty(tmp_path):
    rows = [row("a", participants=[]), row("b", participants=None), row("c", participants=[{"type": "suv"}])]
    scenarios, _ = read(write(tmp_path / "m.parquet", rows, participants=PARTICIPANTS), tmp_path)
    assert [len(each.scene.participants) for each in scenarios] == [0, 0, 1]


def test_text_within_a_cell_that_is_not_utf_8_is_a_fault_of_its_row(tmp_path):
    damaged = pa.array([b"a", b"\xff", b"c"]).view(pa.string())
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), damaged)
    structs = pa.StructArray.from_arrays([damaged], ["note"])
    for column in (lists, structs):
        rows = table([row(f"s{number}") for number in range(3)]).append_column("notes", column)
        pq.write_table(rows, tmp_path / "m.parquet")
        good, (rejection,) = read(tmp_path / "m.parquet", tmp_path)
        assert [each.row for each in good] == [0, 2]
        assert (rejection.row, rejection.column) == (1, "notes")
        assert rejection.reason == "holds bytes that are not UTF-8; write text as UTF-8"


@pytest.mark.parametrize(
    ("kind", "values", "told"),
    [
        (pa.timestamp("us", tz="Foo/Bar"), [0], "column 'extra' has times in the zone 'Foo/Bar', which is not known"),
        (pa.struct([("a", TEXT), ("a", TEXT)]), None, "column 'extra' has type struct<a: string, a: string>"),
    ],
)
def test_columns_that_cannot_become_labels_are_told(tmp_path, kind, values, told):
    column = pa.array(values, kind) if values else pa.nulls(1, kind)
    pq.write_table(table([row()]).append_column("extra", column), tmp_path / "m.parquet")
    with pytest.raises(ManifestError, match=re.escape(told)):
        read(tmp_path / "m.parquet", tmp_path)


def test_whatever_is_damaged_in_a_file_is_told_in_a_line(tmp_path):
    whole = write(tmp_path / "whole.parquet", [row(f"s{number}", tags=["a"], note="b") for number in range(20)])
    chance, told = random.Random(0), 0
    for _ in range(300):
        damaged = bytearray(whole.read_bytes())
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        (tmp_path / "m.parquet").write_bytes(damaged)
        try:
            read(tmp_path / "m.parquet", tmp_path)
        except ManifestError as error:
            told += 1
            assert "\n" not in str(error)
    assert told > 100


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
