"""Definitions: keys, overrides and their order, errors that say what to do."""

import json
from pathlib import Path

import pytest

from its_core import definition
from its_core.definition import DefinitionError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "crossings"
    path.mkdir()
    (path / "dataset.yaml").write_text("name: crossings\nfps: 10\npublish_url: ../out\nengine: {name: simulator}\n")
    return path


def test_values_come_from_the_file_and_defaults(folder):
    loaded = definition.load(folder)
    assert (loaded.name, loaded.fps, loaded.resolution, loaded.shard_size) == ("crossings", 10, "720", 8)
    assert (loaded.geometry.width_px, loaded.geometry.height_px, loaded.geometry.frames) == (1280, 704, 61)


def test_command_line_wins_over_environment_wins_over_file_wins_over_default(folder, monkeypatch):
    assert definition.load(folder).fps == 10
    monkeypatch.setenv("ITS_FPS", "16")
    monkeypatch.setenv("ITS_ENGINE__NAME", "cosmos")
    assert definition.load(folder).fps == 16
    assert definition.load(folder).engine.name == "cosmos"
    overrides = dict([definition.parse_override("fps=10"), definition.parse_override("engine.name=simulator")])
    assert definition.load(folder, overrides).fps == 10
    assert definition.load(folder, overrides).engine.name == "simulator"


def test_relative_paths_count_from_where_they_are_written(folder, tmp_path, monkeypatch):
    here = tmp_path / "elsewhere"
    here.mkdir()
    monkeypatch.chdir(here)
    loaded = definition.load(folder)
    assert loaded.publish_url == str(tmp_path / "out")
    assert loaded.manifest == str(folder / "scenarios.parquet")
    assert loaded.allowed_inputs == (str(folder),)
    assert loaded.work_path == folder / ".its"
    monkeypatch.setenv("ITS_MANIFEST", "rows.parquet")
    overridden = definition.load(folder, {"publish_url": "out", "engine.script": "run.py"})
    assert overridden.publish_url == str(here / "out")
    assert overridden.manifest == str(here / "rows.parquet")
    assert overridden.engine.script == str(here / "run.py")
    assert definition.load(folder, {"publish_url": "s3://bucket/out"}).publish_url == "s3://bucket/out"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"fps": 12}, "fps: 12: Input should be 10 or 16"),
        ({"resolution": "1080"}, "resolution: '1080': Input should be '720' or '480'"),
        ({"engine.name": "carla"}, "engine.name: 'carla': must be cosmos or simulator"),
        ({"engine.nmae": "cosmos"}, "engine.nmae: no such key; the keys are name, options, script"),
        ({"shards": 3}, "shards: no such key; the keys are allowed_inputs, annotate, clip_timeout_s,"),
        ({"shard_size": 0}, "shard_size: 0: Input should be greater than or equal to 1"),
        ({"min_success_ratio": 1.5}, "min_success_ratio: 1.5: Input should be less than or equal to 1"),
        ({"splits": {"train": 0.5}}, "splits: {'train': 0.5}: shares must be ≥ 0 and sum to 1, they sum to 0.5"),
        ({"splits": {"dev": 1.0}}, "Input should be 'train', 'val' or 'test'"),
        ({"name": "../up"}, "name: '../up': String should match pattern"),
        ({"work_dir": "s3://bucket/work"}, "work_dir 's3://bucket/work': must be a folder on this machine"),
        ({"clip_timeout_s": 0}, "clip_timeout_s: 0: Input should be greater than 0"),
        ({"manifest": ".", "work_dir": "deep/work"}, "is in the manifest's folder"),
        ({"engine": "simulator", "engine.name": "cosmos"}, "engine is also set to 'simulator'"),
        ({"gates": 5}, "gates: 5: must hold keys and values"),
        ({"a\nkey": 5}, "a key: no such key"),
        ({"retries": -1}, "retries: -1: Input should be greater than or equal to 0"),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_right(folder, overrides, message):
    with pytest.raises(DefinitionError) as raised:
        definition.load(folder, overrides)
    assert message in str(raised.value)
    assert str(raised.value).startswith((f"{folder}/dataset.yaml: ", "--set "))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a list", "must hold keys and values"),
        ("name: [", "cannot be read as YAML"),
        ("fps: 16", "name: Field required"),
        ("name: x\nfolder: /etc", "folder: not a key"),
    ],
)
def test_a_broken_file_is_told_in_a_line(folder, text, message):
    (folder / "dataset.yaml").write_text(text)
    with pytest.raises(DefinitionError) as raised:
        definition.load(folder)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_folder_says_what_a_dataset_is(tmp_path):
    with pytest.raises(DefinitionError, match=r"no such file; a dataset is a folder with a dataset\.yaml"):
        definition.load(tmp_path / "nothing")


def test_an_environment_that_cannot_be_read_is_told_in_a_line(folder, monkeypatch):
    monkeypatch.setenv("ITS_SPLITS", "train")
    with pytest.raises(DefinitionError, match=r"environment: .*splits.*written as JSON"):
        definition.load(folder)


@pytest.mark.parametrize(
    ("environment", "overrides"),
    [
        ({"ENGINE__OPTIONS__A": "1"}, {"engine.options": {}}),
        ({"ENGINE__OPTIONS__A": "1"}, {"engine.options": {"b": 2}}),
        ({"ENGINE": '{"name": "cosmos", "options": {"a": {"c": 1}}}'}, {"engine": {"options": {"a": {"d": 2}}}}),
        ({"ENGINE__OPTIONS": '{"a": {"c": 1}}'}, {"engine.options.a": None, "engine.name": "cosmos"}),
        ({"ENGINE__OPTIONS__A": "1"}, {"engine.options": {"a": {"d.e": {"f": 2}}}}),
        ({"ALLOWED_INPUTS": '["frames", "s3://bucket/frames"]', "FPS": "16"}, {"publish_url": "out"}),
        ({"ENGINE__SCRIPT": "run.py", "ENGINE__OPTIONS__A": "1"}, {"engine": {"options": {}, "name": "cosmos"}}),
    ],
)
def test_what_was_set_from_outside_brings_about_the_same_definition_elsewhere(
    folder, tmp_path, monkeypatch, environment, overrides
):
    (folder / "dataset.yaml").write_text("name: crossings\nengine: {options: {a: {z: 0}, b: 0}}\n")
    monkeypatch.chdir(tmp_path)
    for key, value in environment.items():
        monkeypatch.setenv(f"ITS_{key}", value)
    built = definition.load(folder, overrides).model_dump()
    kept = json.loads(json.dumps(definition.set_from_outside(overrides)))
    for key in environment:
        monkeypatch.delenv(f"ITS_{key}")
    monkeypatch.chdir(folder)
    assert definition.load(folder, kept).model_dump() == built != definition.load(folder).model_dump()


def test_an_override_without_a_value_is_refused():
    with pytest.raises(DefinitionError, match="must be key=value"):
        definition.parse_override("fps")


def test_yaml_cannot_run_code(folder):
    (folder / "dataset.yaml").write_text("name: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(DefinitionError, match="cannot be read as YAML"):
        definition.load(folder)


def test_a_definition_written_as_json_keeps_its_emoji_and_half_of_one_is_told(tmp_path):
    (tmp_path / "dataset.yaml").write_text(json.dumps({"name": "small", "description": "a 😀"}))
    assert definition.load(tmp_path).description == "a 😀"
    (tmp_path / "dataset.yaml").write_text('{"name": "small", "description": "a \\ud83d"}')
    with pytest.raises(DefinitionError, match="cannot be read as YAML"):
        definition.load(tmp_path)


def test_paths_among_the_engines_options_count_from_where_they_are_written(folder, tmp_path, monkeypatch):
    (folder / "dataset.yaml").write_text(
        "name: crossings\n"
        "engine: {name: cosmos, options: {dit_path: weights/lora.pt, base_path: '', checkpoints_dir: 's3://b/c'}}\n"
        "out_of_memory_fallbacks: [{options: {base_path: weights/base.pt, lora_rank: 8}}]\n"
    )
    here = tmp_path / "elsewhere"
    here.mkdir()
    monkeypatch.chdir(here)
    loaded = definition.load(folder)
    assert loaded.engine.options == {
        "dit_path": str(folder / "weights" / "lora.pt"),
        "base_path": "",
        "checkpoints_dir": "s3://b/c",
    }
    fallback = {"base_path": str(folder / "weights" / "base.pt"), "lora_rank": 8}
    assert loaded.out_of_memory_fallbacks[0].options == fallback
    monkeypatch.setenv("ITS_ENGINE__OPTIONS__DIT_PATH", "other.pt")
    overridden = definition.load(folder, {"engine.options.checkpoints_dir": "checkpoints"}).engine.options
    assert overridden["dit_path"] == str(here / "other.pt")
    assert overridden["checkpoints_dir"] == str(here / "checkpoints")


def test_datasets_that_share_a_work_dir_have_a_folder_each_in_it(folder, tmp_path, monkeypatch):
    assert definition.load(folder).work_path == folder / ".its"
    assert definition.load(folder, {"work_dir": str(folder / "deep" / "work")}).work_path == folder / "deep" / "work"
    monkeypatch.setenv("ITS_WORK_DIR", str(tmp_path / "scratch"))
    other = tmp_path / "bridges"
    other.mkdir()
    (other / "dataset.yaml").write_text("name: bridges\n")
    assert definition.load(folder).work_path == tmp_path / "scratch" / "crossings"
    assert definition.load(other).work_path == tmp_path / "scratch" / "bridges"


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("splits", {"train": float("nan")}),
        ("splits", {"train": 1.0, "val": float("nan")}),
        ("splits", {"train": float("inf")}),
        ("clip_timeout_s", float("nan")),
        ("clip_timeout_s", float("inf")),
        ("min_success_ratio", float("nan")),
        ("max_rejected_ratio", 1.1),
        ("retry_delay_s", float("nan")),
    ],
)
def test_what_is_no_number_is_no_value(folder, key, value):
    with pytest.raises(DefinitionError, match=key):
        definition.load(folder, {key: value})


def test_a_secret_is_not_repeated_in_an_error(folder):
    for overrides in (
        {"publish_url": ["s3://user:s3cr3t@bucket/x"]},
        {"engine": {"options": [], "token": "s3cr3t"}},
        {"engine.password": "s3cr3t"},
        {"engine.options": "s3cr3t-token", "engine.options.token": 1},
    ):
        with pytest.raises(DefinitionError) as raised:
            definition.load(folder, overrides)
        assert "s3cr3t@" not in str(raised.value) and "'s3cr3t'" not in str(raised.value)
    with pytest.raises(DefinitionError) as raised:
        definition.parse_override("password=[s3cr3t")
    assert "s3cr3t" not in str(raised.value)


@pytest.mark.parametrize(
    ("ratio", "rejected", "rows", "too_many"),
    [
        (0.05, 1, 3, False),
        (0.05, 2, 3, True),
        (0.05, 5, 100, False),
        (0.05, 6, 100, True),
        (0, 1, 100, True),
        (0, 0, 9, False),
    ],
)
def test_rejected_rows_are_too_many_above_a_share_in_whole_rows(ratio, rejected, rows, too_many):
    assert definition.too_many_rejected(rejected, rows, ratio) is too_many
