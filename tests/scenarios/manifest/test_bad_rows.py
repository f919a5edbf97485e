"""Bad rows: each is rejected alone, with the column, the value and what would be right."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.scenarios.manifest.manifests import read, row, table, write

ID_RULE = "use 1 to 128 of the characters A-Z a-z 0-9 . _ - and no full stop in front"
LIGHTS = "Allowed: dawn, day, dusk, night"
LAYOUTS = "Allowed: four_way_intersection, t_intersection, roundabout, highway, urban_street"
COLOURS = "Allowed: white, silver, grey, black, red, blue, green, yellow, orange, brown, beige"


def person(**changes):
    return {"type": "pedestrian", "colour": None, "role": "not_at_fault"} | changes


def car(**changes):
    return {"type": "sedan", "colour": "red", "role": "at_fault"} | changes


BAD = {
    "no id": (row(None), "scenario_id", "", "missing: every row needs one of its own"),
    "blank id": (row("  "), "scenario_id", "  ", f"blank; {ID_RULE}"),
    "empty id": (row(""), "scenario_id", "", f"blank; {ID_RULE}"),
    "id with slash": (row("a/b"), "scenario_id", "a/b", f"would lead out of the output folder; {ID_RULE}"),
    "id with backslash": (row("a\\b"), "scenario_id", "a\\b", f"would lead out of the output folder; {ID_RULE}"),
    "id up": (row("../etc"), "scenario_id", "../etc", f"would lead out of the output folder; {ID_RULE}"),
    "hidden id": (row(".git"), "scenario_id", ".git", f"has the character '.'; {ID_RULE}"),
    "id with newline": (row("a\n"), "scenario_id", "a\\n", f"has the character '\\n'; {ID_RULE}"),
    "id with null": (row("a\0b"), "scenario_id", "a\\x00b", f"has the character '\\x00'; {ID_RULE}"),
    "id with markup": (row("<b>"), "scenario_id", "<b>", f"has the character '<'; {ID_RULE}"),
    "id with accent": (row("café"), "scenario_id", "café", f"has the character 'é'; {ID_RULE}"),
    "long id": (row("x" * 129), "scenario_id", "x" * 79 + "…", f"129 characters long; {ID_RULE}"),
    "no camera": (row(camera_id=None), "camera_id", "", "missing: every row needs the camera that sees it"),
    "camera id up": (
        row(camera_id=".."),
        "camera_id",
        "..",
        f"would lead out of the output folder; {ID_RULE}",
    ),
    "pair id with space": (row(pair_id="p 1"), "pair_id", "p 1", f"has the character ' '; {ID_RULE}"),
    "unknown incident": (
        row(incident_type="rear_end_colision"),
        "incident_type",
        "rear_end_colision",
        "'rear_end_colision' is not a known word; did you mean 'rear_end_collision'? Allowed: intersection_collision, ",
    ),
    "nothing like a word": (row(light="qqqq"), "light", "qqqq", f"'qqqq' is not a known word. {LIGHTS}"),
    "word in capitals": (row(light="Dusk"), "light", "Dusk", f"did you mean 'dusk'? {LIGHTS}"),
    "word with blanks": (
        row(road_layout="Four-way intersection"),
        "road_layout",
        "Four-way intersection",
        f"did you mean 'four_way_intersection'? {LAYOUTS}",
    ),
    "blank word": (row(weather=""), "weather", "", "blank: leave it null or name a word"),
    "unknown weather": (row(weather="rainy"), "weather", "rainy", "did you mean 'rain'? Allowed: clear, overcast, "),
    "unknown surface": (row(road_surface="ice"), "road_surface", "ice", "did you mean 'icy'? Allowed: dry, wet, "),
    "unknown density": (row(traffic_density="hi"), "traffic_density", "hi", "Allowed: low, medium, high"),
    "unknown aftermath": (row(aftermath="spins"), "aftermath", "spins", "did you mean 'spins_out'? Allowed: "),
    "unknown split": (row(split="training"), "split", "training", "did you mean 'train'? Allowed: train, val, test"),
    "unknown collision": (
        row(collision_type="rear_end"),
        "collision_type",
        "rear_end",
        "did you mean 'rear-end'? Allowed: head-on, rear-end, sideswipe, single, t-bone",
    ),
    "collision of another incident": (
        row(collision_type="head-on"),
        "collision_type",
        "head-on",
        "rear_end_collision cannot be 'head-on'; it may be rear-end",
    ),
    "collision without contact": (
        row(incident_type="normal_traffic", collision_type="single"),
        "collision_type",
        "single",
        "normal_traffic cannot be 'single'; it may be nothing (leave it null)",
    ),
    "aftermath of another incident": (
        row(incident_type="normal_traffic", aftermath="spins_out"),
        "aftermath",
        "spins_out",
        "normal_traffic cannot end in 'spins_out'; it may end in drives_on, traffic_flows, vehicles_stop",
    ),
    "neither incident nor prompt": (
        row(incident_type=None),
        "incident_type",
        "",
        "missing: a row needs an incident_type, or a prompt that tells what happens",
    ),
    "blank prompt": (
        row(prompt=" \n"),
        "prompt",
        " \\n",
        "blank: leave it null to have it composed, or say what happens",
    ),
    "endless prompt": (
        row(prompt="crash " * 600),
        "prompt",
        ("crash " * 600)[:79] + "…",
        "3600 characters long; the text encoder reads about 3000 at most",
    ),
    "prompt with an escape": (
        row(prompt="A \x1b[31mred car"),
        "prompt",
        "A \\x1b[31mred car",
        "has the control character '\\x1b' at character 2; write plain text",
    ),
    "prompt that turns round": (
        row(prompt="A car\u202e"),
        "prompt",
        "A car\\u202e",
        "has the control character '\\u202e' at character 5; write plain text",
    ),
    "negative prompt with a bell": (
        row(negative_prompt="\a"),
        "negative_prompt",
        "\\x07",
        "has the control character '\\x07' at character 0; write plain text",
    ),
    "participant without type": (
        row(participants=[car(), car(type=None)]),
        "participants",
        "",
        "participant 2 has no type",
    ),
    "unknown participant": (
        row(participants=[car(type="lorry")]),
        "participants",
        "lorry",
        "type of participant 1: 'lorry' is not a known word. Allowed: sedan, hatchback, suv, pickup, van, ",
    ),
    "camera words that exclude each other": (
        row(camera="near, sharp far"),
        "camera",
        "near, sharp far",
        "'far' and 'near' exclude each other",
    ),
    "unknown camera word": (
        row(camera="close"),
        "camera",
        "close",
        "'close' is not a known word. Allowed: near, far, ",
    ),
    "a word of another column as a cause": (
        row(cause="severe"),
        "cause",
        "severe",
        "not a known word. Allowed: red_light",
    ),
    "unknown colour": (
        row(participants=[car(colour="gray")]),
        "participants",
        "gray",
        f"colour of participant 1: 'gray' is not a known word; did you mean 'grey'? {COLOURS}",
    ),
    "unknown role": (
        row(participants=[car(), car(role="victim")]),
        "participants",
        "victim",
        "role of participant 2: 'victim' is not a known word. Allowed: at_fault, not_at_fault, bystander",
    ),
    "a crowd": (
        row(participants=[car()] * 13),
        "participants",
        "13 of them",
        "at most 12 participants fit in a scenario",
    ),
    "pedestrian at the wheel": (
        row(participants=[person(role="at_fault"), car(role="not_at_fault")]),
        "participants",
        "pedestrian",
        "in rear_end_collision a pedestrian can only be a bystander",
    ),
    "near miss of nobody": (
        row(incident_type="pedestrian_near_miss", participants=[car()]),
        "participants",
        "",
        "pedestrian_near_miss needs a participant of type 'pedestrian' who is no bystander",
    ),
    "pedestrians among themselves": (
        row(incident_type="pedestrian_collision", participants=[person(), person(role="at_fault")]),
        "participants",
        "",
        "pedestrian_collision needs a vehicle that is no bystander, beside the pedestrians",
    ),
    "two in a single crash": (
        row(incident_type="single_vehicle_crash", participants=[car(), car(role="not_at_fault")]),
        "participants",
        "2 of them",
        "single_vehicle_crash has one participant besides bystanders",
    ),
    "fault where nothing happens": (
        row(incident_type="normal_traffic", participants=[car()]),
        "participants",
        "at_fault",
        "in normal_traffic every participant is a bystander",
    ),
    "only onlookers": (
        row(participants=[car(role="bystander")]),
        "participants",
        "bystander",
        "rear_end_collision needs a participant who is no bystander",
    ),
    "negative seed": (row(seed=-1), "seed", "-1", "must be a whole number from 0 to 2147483647"),
    "huge seed": (row(seed=2**31), "seed", "2147483648", "must be a whole number from 0 to 2147483647"),
    "no variants": (row(variants=0), "variants", "0", "must be a whole number from 1 to 1000"),
    "too many variants": (row(variants=1001), "variants", "1001", "must be a whole number from 1 to 1000"),
    "guidance below": (row(guidance=-0.5), "guidance", "-0.5", "must be a number from 0 to 20"),
    "guidance above": (row(guidance=20.5), "guidance", "20.5", "must be a number from 0 to 20"),
    "guidance is no number": (row(guidance=float("nan")), "guidance", "nan", "must be a number from 0 to 20"),
    "endless guidance": (row(guidance=float("inf")), "guidance", "inf", "must be a number from 0 to 20"),
    "endless note": (
        row(note="n" * 10_001),
        "note",
        "n" * 79 + "…",
        "10001 characters long; a label carries 10000 at most",
    ),
    "endless list": (
        row(notes=["n" * 99] * 100),
        "notes",
        "",
        "10300 characters long as JSON; a label carries 10000 at most",
    ),
    "blank image": (row(input_image=" "), "input_image", " ", "blank: leave it null or name a file"),
    "image with newline": (
        row(input_image="a\nb.jpg"),
        "input_image",
        "a\\nb.jpg",
        "has the control character '\\n' at character 1; write plain text",
    ),
    "endless path": (
        row(input_image="a/" * 600 + "b.jpg"),
        "input_image",
        "a/" * 39 + "a…",
        "1205 characters long; a path has at most 1024",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_row_is_rejected_alone_and_says_why(tmp_path, case):
    bad, column, value, reason = BAD[case]
    path = write(tmp_path / "m.parquet", [row("before"), bad, row("after")])
    scenarios, rejections = read(path, tmp_path)
    assert [each.scenario_id for each in scenarios] == ["before", "after"]
    (rejection,) = rejections
    assert (rejection.row, rejection.column, rejection.value) == (1, column, value)
    assert reason in rejection.reason
    assert " Also " not in rejection.reason
    assert rejection.scenario_id == (None if column == "scenario_id" else bad["scenario_id"])


@pytest.mark.parametrize("column", ["seed", "variants"])
@pytest.mark.parametrize("value", [1.5, float("nan"), float("inf"), 1e300])
def test_a_whole_number_that_came_as_a_float_must_be_whole(tmp_path, column, value):
    rows = [row("a", **{column: 2.0}), row("b", **{column: value}), row("c")]
    path = write(tmp_path / "m.parquet", rows, **{column: pa.float64()})
    scenarios, (rejection,) = read(path, tmp_path)
    assert [each.scenario_id for each in scenarios] == ["a", "c"]
    assert getattr(scenarios[0], column) == 2
    assert (rejection.column, rejection.value) == (column, str(value))


@pytest.mark.parametrize("column", ["scenario_id", "camera_id", "light", "prompt", "input_image", "note"])
def test_text_that_is_not_utf8_is_rejected(tmp_path, column):
    rows = table([row("a", note="x", prompt="A car.", light="day", input_image=None), row("b", note="y")])
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
    assert (rejection.column, rejection.value) == ("input_image", "")
    assert rejection.reason == "missing: this engine starts from an image or a video"


def test_every_wrong_id_is_told(tmp_path):
    path = write(tmp_path / "m.parquet", [row(f"bad id {i}") for i in range(30_000)])
    scenarios, rejections = read(path, tmp_path)
    assert scenarios == [] and len(rejections) == 30_000
    assert rejections[-1].value == "bad id 29999"
