"""Bad rows: each is rejected alone, with a code, the column, the value and what would be right."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from its_core.clip import Unsupported
from its_core.taxonomy import Colour, Light, RoadLayout
from tests.scenarios.manifest.manifests import read, row, table, write


def person(**changes):
    return {"type": "pedestrian", "colour": None, "role": "not_at_fault"} | changes


def car(**changes):
    return {"type": "sedan", "colour": "red", "role": "at_fault"} | changes


# What is wrong, the code, the column, the value as it is shown, and what the reason must name.
BAD = {
    "no id": (row(None), "value.missing", "scenario_id", "", []),
    "blank id": (row("  "), "value.blank", "scenario_id", "  ", []),
    "empty id": (row(""), "value.blank", "scenario_id", "", []),
    "id with slash": (row("a/b"), "value.characters", "scenario_id", "a/b", []),
    "id with backslash": (row("a\\b"), "value.characters", "scenario_id", "a\\b", []),
    "id up": (row("../etc"), "value.characters", "scenario_id", "../etc", []),
    "hidden id": (row(".git"), "value.characters", "scenario_id", ".git", ["'.'"]),
    "id with newline": (row("a\nb"), "value.characters", "scenario_id", "a\\nb", ["'\\n'"]),
    "id with null": (row("a\0b"), "value.characters", "scenario_id", "a\\x00b", ["'\\x00'"]),
    "id with markup": (row("<b>"), "value.characters", "scenario_id", "<b>", ["'<'"]),
    "id with accent": (row("café"), "value.characters", "scenario_id", "café", ["'é'"]),
    "long id": (row("x" * 129), "value.too_long", "scenario_id", "x" * 79 + "…", ["129", "128"]),
    "no camera": (row(camera_id=None), "value.missing", "camera_id", "", []),
    "camera id up": (row(camera_id=".."), "value.characters", "camera_id", "..", []),
    "pair id with space": (row(pair_id="p 1"), "value.characters", "pair_id", "p 1", ["' '"]),
    "unknown incident": (
        row(incident_type="rear_end_colision"),
        "value.unknown_word",
        "incident_type",
        "rear_end_colision",
        ["'rear_end_collision'", "intersection_collision, "],
    ),
    "nothing like a word": (row(light="qqqq"), "value.unknown_word", "light", "qqqq", [", ".join(Light)]),
    "word in capitals": (row(light="Dusk"), "value.unknown_word", "light", "Dusk", ["'dusk'"]),
    "word with blanks": (
        row(road_layout="Four-way intersection"),
        "value.unknown_word",
        "road_layout",
        "Four-way intersection",
        ["'four_way_intersection'", ", ".join(RoadLayout)],
    ),
    "word of another column": (
        row(incident_type="t-bone"),
        "value.unknown_word",
        "incident_type",
        "t-bone",
        ["collision_type"],
    ),
    "blank word": (row(weather=""), "value.blank", "weather", "", []),
    "unknown weather": (row(weather="rainy"), "value.unknown_word", "weather", "rainy", ["'rain'"]),
    "unknown surface": (row(road_surface="ice"), "value.unknown_word", "road_surface", "ice", ["'icy'"]),
    "unknown density": (row(traffic_density="hi"), "value.unknown_word", "traffic_density", "hi", ["low, medium"]),
    "unknown aftermath": (row(aftermath="spins"), "value.unknown_word", "aftermath", "spins", ["'spins_out'"]),
    "unknown split": (row(split="training"), "value.unknown_word", "split", "training", ["'train'"]),
    "unknown collision": (
        row(collision_type="rear_end"),
        "value.unknown_word",
        "collision_type",
        "rear_end",
        ["'rear-end'"],
    ),
    "collision of another incident": (
        row(collision_type="head-on"),
        "row.contradiction",
        "collision_type",
        "head-on",
        ["rear_end_collision", "rear-end"],
    ),
    "collision without contact": (
        row(incident_type="normal_traffic", collision_type="single"),
        "row.contradiction",
        "collision_type",
        "single",
        ["normal_traffic", "null"],
    ),
    "aftermath of another incident": (
        row(incident_type="normal_traffic", aftermath="spins_out"),
        "row.contradiction",
        "aftermath",
        "spins_out",
        ["drives_on, traffic_flows, vehicles_stop"],
    ),
    "neither incident nor prompt": (row(incident_type=None), "value.missing", "incident_type", "", ["prompt"]),
    "blank prompt": (row(prompt=" \n"), "value.blank", "prompt", " \\n", []),
    "endless prompt": (
        row(prompt="crash " * 600),
        "value.too_long",
        "prompt",
        ("crash " * 600)[:79] + "…",
        ["3600", "3000"],
    ),
    "prompt with an escape": (
        row(prompt="A \x1b[31mred car"),
        "value.characters",
        "prompt",
        "A \\x1b[31mred car",
        ["'\\x1b'", "character 2"],
    ),
    "prompt that turns round": (
        row(prompt="A car\u202e"),
        "value.characters",
        "prompt",
        "A car\\u202e",
        ["'\\u202e'", "character 5"],
    ),
    "negative prompt with a bell": (
        row(negative_prompt="\a"),
        "value.characters",
        "negative_prompt",
        "\\x07",
        ["'\\x07'", "character 0"],
    ),
    "participant without type": (
        row(participants=[car(), car(type=None)]),
        "row.participants",
        "participants",
        "",
        ["participant 2"],
    ),
    "unknown participant": (
        row(participants=[car(type="lorry")]),
        "value.unknown_word",
        "participants",
        "lorry",
        ["type of participant 1", "sedan, hatchback, suv"],
    ),
    "camera words that exclude each other": (
        row(camera="near, sharp far"),
        "row.contradiction",
        "camera",
        "near, sharp far",
        ["'far'", "'near'"],
    ),
    "unknown camera word": (row(camera="close"), "value.unknown_word", "camera", "close", ["near, far"]),
    "a severity as a cause": (row(cause="severe"), "value.unknown_word", "cause", "severe", ["severity", "red_light"]),
    "unknown colour": (
        row(participants=[car(colour="gray")]),
        "value.unknown_word",
        "participants",
        "gray",
        ["colour of participant 1", "'grey'", ", ".join(Colour)],
    ),
    "unknown role": (
        row(participants=[car(), car(role="victim")]),
        "value.unknown_word",
        "participants",
        "victim",
        ["role of participant 2", "at_fault, not_at_fault, bystander"],
    ),
    "a crowd": (row(participants=[car()] * 13), "row.participants", "participants", "13 of them", ["12"]),
    "pedestrian at the wheel": (
        row(participants=[person(role="at_fault"), car(role="not_at_fault")]),
        "row.participants",
        "participants",
        "pedestrian",
        ["rear_end_collision"],
    ),
    "near miss of nobody": (
        row(incident_type="pedestrian_near_miss", participants=[car()]),
        "row.participants",
        "participants",
        "",
        ["'pedestrian'"],
    ),
    "pedestrians among themselves": (
        row(incident_type="pedestrian_collision", participants=[person(), person(role="at_fault")]),
        "row.participants",
        "participants",
        "",
        ["vehicle"],
    ),
    "two in a single crash": (
        row(incident_type="single_vehicle_crash", participants=[car(), car(role="not_at_fault")]),
        "row.participants",
        "participants",
        "2 of them",
        ["one participant"],
    ),
    "fault where nothing happens": (
        row(incident_type="normal_traffic", participants=[car()]),
        "row.participants",
        "participants",
        "at_fault",
        ["bystander"],
    ),
    "only onlookers": (
        row(participants=[car(role="bystander")]),
        "row.participants",
        "participants",
        "bystander",
        ["rear_end_collision"],
    ),
    "negative seed": (row(seed=-1), "value.range", "seed", "-1", ["2,147,483,647"]),
    "huge seed": (row(seed=2**31), "value.range", "seed", "2147483648", ["2,147,483,647"]),
    "no variants": (row(variants=0), "value.range", "variants", "0", ["1 to 1,000"]),
    "too many variants": (row(variants=1001), "value.range", "variants", "1001", ["1 to 1,000"]),
    "guidance below": (row(guidance=-0.5), "value.range", "guidance", "-0.5", ["0 to 20"]),
    "guidance above": (row(guidance=20.5), "value.range", "guidance", "20.5", ["0 to 20"]),
    "endless guidance": (row(guidance=float("inf")), "value.range", "guidance", "inf", ["0 to 20"]),
    "blank image": (row(input_image=" "), "value.blank", "input_image", " ", []),
    "image with newline": (
        row(input_image="a\nb.jpg"),
        "value.characters",
        "input_image",
        "a\\nb.jpg",
        ["'\\n'", "character 1"],
    ),
    "endless path": (
        row(input_image="a/" * 600 + "b.jpg"),
        "value.too_long",
        "input_image",
        "a/" * 39 + "a…",
        ["1205", "1024"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_rejected_alone_and_says_why(tmp_path, case):
    bad, code, column, value, named = BAD[case]
    path = write(tmp_path / "m.parquet", [row("before"), bad, row("after")])
    scenarios, rejections = read(path, tmp_path)
    assert [each.scenario_id for each in scenarios] == ["before", "after"]
    (rejection,) = rejections
    assert (rejection.row, rejection.code, rejection.column, rejection.value) == (1, code, column, value)
    assert all(name in rejection.reason for name in named)
    assert "\n" not in rejection.reason and " Also " not in rejection.reason
    assert rejection.scenario_id == (None if column == "scenario_id" else bad["scenario_id"])


# What str(), to_csv() and SQL clients write where they have no value.
NOTHING = ["None", "none", "nan", "NaN", "NAN", "null", "NULL", "<NA>", "NaT", "N/A", "n/a", "NA", "#N/A", "\\N", "nil"]


@pytest.mark.parametrize(
    "column", ["scenario_id", "camera_id", "pair_id", "prompt", "negative_prompt", "weather", "camera", "input_image"]
)
def test_a_word_for_nothing_is_no_value(tmp_path, column):
    rows = [{**row(f"s-{i}"), column: word} for i, word in enumerate(NOTHING)]
    scenarios, rejections = read(write(tmp_path / "m.parquet", [*rows, row("good")]), tmp_path)
    assert [each.scenario_id for each in scenarios] == ["good"]
    assert [(each.code, each.column, each.value) for each in rejections] == [
        ("value.null_word", column, word) for word in NOTHING
    ]


@pytest.mark.parametrize("column", ["seed", "variants"])
@pytest.mark.parametrize("value", [1.5, float("inf"), 1e300])
def test_a_whole_number_that_came_as_a_float_must_be_whole(tmp_path, column, value):
    rows = [row("a", **{column: 2.0}), row("b", **{column: value}), row("c")]
    path = write(tmp_path / "m.parquet", rows, **{column: pa.float64()})
    scenarios, (rejection,) = read(path, tmp_path)
    assert [each.scenario_id for each in scenarios] == ["a", "c"]
    assert getattr(scenarios[0], column) == 2
    assert (rejection.code, rejection.column, rejection.value) == ("value.range", column, str(value))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("seven", "value.type"),
        ("-1", "value.range"),
        ("1.5", "value.range"),
        ("nan", "value.null_word"),
        ("1e9999", "value.range"),
    ],
)
def test_a_number_written_as_text_must_be_one(tmp_path, value, code):
    path = write(tmp_path / "m.parquet", [row("a", seed=" 7\r"), row("b", seed=value)], seed=pa.string())
    (scenario,), (rejection,) = read(path, tmp_path)
    assert scenario.seed == 7
    assert (rejection.code, rejection.column, rejection.value) == (code, "seed", value)


@pytest.mark.parametrize("column", ["scenario_id", "camera_id", "light", "prompt", "input_image"])
def test_text_that_is_not_utf8_is_rejected(tmp_path, column):
    rows = table([row("a", prompt="A car.", light="day", input_image=None), row("b")])
    second = b"fine" if column in {"scenario_id", "camera_id"} else None
    present, *buffers = pa.array([b"b\xff\xfe", second], pa.binary()).buffers()
    broken = pa.StringArray.from_buffers(2, *buffers, present)
    place = rows.schema.get_field_index(column)
    pq.write_table(rows.set_column(place, column, broken), tmp_path / "m.parquet")
    scenarios, rejections = read(tmp_path / "m.parquet", tmp_path)
    assert len(scenarios) == 1
    assert [(each.row, each.column, each.value) for each in rejections] == [(0, column, "b\\udcff\\udcfe")]


def test_a_row_without_an_image_is_rejected_where_the_engine_needs_one(tmp_path):
    path = write(tmp_path / "m.parquet", [row()])
    _, (rejection,) = read(path, tmp_path, engine_needs_input=True)
    assert (rejection.code, rejection.column, rejection.value) == ("value.missing", "input_image", "")


def test_what_the_engine_refuses_has_a_column_and_a_value(tmp_path):
    def unsupported(scene, has_input):
        assert not has_input
        return Unsupported("light", scene.light.value, "night cannot be made") if scene.light is Light.NIGHT else None

    rows = [row("a", light="night"), row("b", light="day"), row("c", light="night", prompt="A night.")]
    scenarios, rejections = read(write(tmp_path / "m.parquet", rows), tmp_path, unsupported=unsupported)
    assert [each.scenario_id for each in scenarios] == ["b"]
    assert [(each.row, each.code, each.column, each.value) for each in rejections] == [
        (0, "engine.unsupported", "light", "night"),
        (2, "engine.unsupported", "light", "night"),
    ]


def test_a_camera_looks_at_one_place(tmp_path):
    rows = [
        row("a", road_layout="highway"),
        row("b"),
        row("c", road_layout="urban_street"),
        row("d", camera_id="cam-2", road_layout="urban_street"),
        row("e", road_layout="highway"),
    ]
    for batch_rows in (100, 1):
        scenarios, (rejection,) = read(write(tmp_path / "m.parquet", rows), tmp_path, batch_rows=batch_rows)
        assert [each.scenario_id for each in scenarios] == ["a", "b", "d", "e"]
        assert (rejection.row, rejection.code, rejection.column, rejection.value) == (
            2,
            "row.camera",
            "road_layout",
            "urban_street",
        )
        assert "'cam-1'" in rejection.reason and "row 0" in rejection.reason


def test_a_place_that_the_engine_chooses_counts_as_the_camera_s(tmp_path):
    rows = [row("a", road_layout="highway"), row("b", incident_type="pedestrian_near_miss"), row("c")]

    def layout_of(scene):
        natural = RoadLayout.HIGHWAY if scene.incident_type == "rear_end_collision" else RoadLayout.URBAN_STREET
        return scene.road_layout or natural

    scenarios, (rejection,) = read(write(tmp_path / "m.parquet", rows), tmp_path, layout_of=layout_of)
    assert [each.scenario_id for each in scenarios] == ["a", "c"]
    assert (rejection.row, rejection.code) == (1, "row.camera")


def test_a_rejected_row_says_nothing_of_its_camera(tmp_path):
    rows = [row("a", road_layout="highway", light="noon"), row("b", road_layout="urban_street")]
    scenarios, rejections = read(write(tmp_path / "m.parquet", rows), tmp_path)
    assert [each.scenario_id for each in scenarios] == ["b"] and len(rejections) == 1


def test_every_wrong_id_is_told(tmp_path):
    path = write(tmp_path / "m.parquet", [row(f"bad id {i}") for i in range(30_000)])
    scenarios, rejections = read(path, tmp_path)
    assert scenarios == [] and len(rejections) == 30_000
    assert rejections[-1].value == "bad id 29999"
