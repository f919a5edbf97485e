"""Engines that a definition names."""

import json
from pathlib import Path

import pytest
from its_tasks.engines import (
    ResolvedEngine,
    engine_options,
    missing_parts,
    quality_gates,
    resolve_engine,
    with_pinned_model,
)

from its_core import definition, storage
from its_core.clip import EngineIdentity
from its_core.definition import DefinitionError
from its_core.engines.engine import engine_module, engine_names
from its_core.quality_gates import WEATHER_GATES, Gates
from its_core.shards.batch import EngineSettings


@pytest.mark.parametrize("key", ["dit_path", "base_path", "checkpoints_dir"])
def test_a_script_of_ones_own_is_given_no_weights_on_s3(tmp_path: Path, key: str) -> None:
    (tmp_path / "dataset.yaml").write_text("name: crossings\n")
    place = "s3://bucket/weights"
    overrides = {"engine.name": "cosmos", "engine.script": str(tmp_path / "run.py"), f"engine.options.{key}": place}

    with pytest.raises(DefinitionError) as raised:
        resolve_engine(definition.load(tmp_path, overrides))

    told = f"{tmp_path}: engine cosmos: {tmp_path}/run.py cannot read {place}: name a copy on this disk"
    assert str(raised.value) == told


@pytest.mark.parametrize("engine", engine_names())
def test_a_misspelt_option_is_refused_with_those_that_there_are(tmp_path: Path, engine: str) -> None:
    (tmp_path / "dataset.yaml").write_text(f"name: crossings\nengine: {{name: {engine}, options: {{atempts: 3}}}}\n")
    with pytest.raises(DefinitionError) as raised:
        engine_options(definition.load(tmp_path))
    known = str(raised.value).partition("the keys are ")[2].split(", ")
    assert set(known) == set(engine_module(engine).OPTIONS.model_fields) - {"resolution", "fps"}


def test_a_fallbacks_options_are_checked_with_the_rest(tmp_path: Path) -> None:
    (tmp_path / "dataset.yaml").write_text("name: crossings\nout_of_memory_fallbacks: [{options: {atempts: 3}}]\n")
    with pytest.raises(DefinitionError, match=r"out_of_memory_fallbacks\.0\.options: atempts: no such key"):
        missing_parts(definition.load(tmp_path))


@pytest.mark.parametrize(("key", "value"), [("resolution", "480"), ("fps", "10")])
def test_what_a_clip_is_like_is_no_engines_option(tmp_path: Path, key: str, value: str) -> None:
    (tmp_path / "dataset.yaml").write_text(f"name: crossings\nengine: {{name: cosmos, options: {{{key}: {value}}}}}\n")
    with pytest.raises(DefinitionError, match=f"engine.options: {key}: "):
        engine_options(definition.load(tmp_path))


NO_GATES = dict.fromkeys(Gates.model_fields)


@pytest.mark.parametrize(
    ("engine", "gates", "applied"),
    [
        ({"name": "simulator"}, {}, Gates(**dict.fromkeys(WEATHER_GATES))),
        ({"name": "simulator"}, {"snow_permille": 3}, Gates(**dict.fromkeys(WEATHER_GATES) | {"snow_permille": 3})),
        ({"name": "cosmos"}, {}, Gates()),
        ({"name": "cosmos", "options": {"model_size": "tiny"}}, {}, Gates(**NO_GATES)),
        ({"name": "cosmos", "options": {"model_size": "tiny"}}, {"cuts": 3}, Gates(**NO_GATES | {"cuts": 3})),
        ({"name": "cosmos"}, {"cuts": 3}, Gates(cuts=3)),
    ],
)
def test_a_stand_in_is_held_only_to_gates_that_are_set(
    tmp_path: Path, engine: dict[str, object], gates: dict[str, object], applied: Gates
) -> None:
    (tmp_path / "dataset.yaml").write_text("name: crossings\n")
    defined = definition.load(tmp_path, {"engine": engine, "gates": gates})
    module, options = engine_options(defined)
    settings = EngineSettings(str(engine["name"]), {}, "720", 16)
    identity = EngineIdentity("x", "1", None, frozenset())
    assert quality_gates(defined, ResolvedEngine(module, settings, options, identity, ())) == applied


@pytest.mark.parametrize("named", ["model:crossings", "model:crossings@latest", "model:crossings@one"])
def test_a_registered_model_is_loaded_in_the_version_that_its_name_means_now(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
) -> None:
    monkeypatch.setenv("ITS_MODELS", str(tmp_path / "models"))
    lora = {"rank": 8, "alpha": 4, "target_modules": "q_proj"}
    for version in ("one", "two"):
        storage.write_bytes(
            str(tmp_path / f"models/crossings/{version}/model.json"),
            json.dumps({"version": version, "lora": lora}).encode(),
        )
    storage.write_bytes(str(tmp_path / "models/crossings/latest.json"), b'{"version": "two"}')
    (tmp_path / "dataset.yaml").write_text(f"name: made\nengine: {{name: cosmos, options: {{dit_path: {named}}}}}\n")

    pinned = with_pinned_model(definition.load(tmp_path))

    version = "one" if named.endswith("@one") else "two"
    assert pinned.engine.options["dit_path"] == f"model:crossings@{version}"
    options = engine_options(pinned)[1]
    assert options.dit_path == str(tmp_path / "models/crossings" / version / "lora")
    assert (options.use_lora, options.lora_rank, options.lora_alpha, options.lora_target_modules) == (
        True,
        8,
        4,
        "q_proj",
    )


def test_a_model_that_is_not_registered_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITS_MODELS", str(tmp_path / "models"))
    (tmp_path / "dataset.yaml").write_text("name: made\nengine: {name: cosmos, options: {dit_path: 'model:none@1'}}\n")
    with pytest.raises(DefinitionError) as raised:
        engine_options(with_pinned_model(definition.load(tmp_path)))
    assert "model:none@1: no such model" in str(raised.value)
