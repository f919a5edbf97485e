"""What the factory asks of every engine; a new engine's folder is found by itself."""

from __future__ import annotations

import argparse
import ast
import inspect
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import its_core
from its_core.clip import ClipNamer, ClipRequest, Geometry, Scene
from its_core.engines.engine import DEFAULT_ENGINE, EngineModule, EngineTraits, engine_module, engine_names
from its_core.shards.worker.command_line import choose_engine, parser
from its_core.taxonomy import IncidentType

ROOT = Path(its_core.__file__).parent.parent
REQUEST = ClipRequest("", "s", 0, 1, "a prompt", "", 7.0, Geometry.of("480", 10), Scene("c"))
# What a definition needs so that the engine's options can be told and hashed without real weights.
OPTIONS: dict[str, dict[str, Any]] = {"cosmos": {"model_size": "tiny"}}

pytestmark = pytest.mark.parametrize("name", engine_names())


@pytest.fixture
def module(name: str) -> EngineModule:
    return engine_module(name)


@pytest.fixture
def options(name: str, module: EngineModule) -> Any:
    return module.parse_options(OPTIONS.get(name, {}), "480", 10)


def test_the_default_engine_is_one_of_them(name: str) -> None:
    assert DEFAULT_ENGINE in engine_names()
    assert name.isidentifier()


def test_it_offers_everything_with_the_same_parameters(module: EngineModule) -> None:
    for function, declared in inspect.getmembers(EngineModule, inspect.isfunction):
        if function.startswith("_"):
            continue
        expected = list(inspect.signature(declared).parameters)[1:]
        assert list(inspect.signature(getattr(module, function)).parameters) == expected, function
    assert isinstance(module.TRAITS, EngineTraits)


def test_importing_it_stays_cheap(name: str) -> None:
    code = f"import sys, its_core.engines.{name}.engine; print({{'torch', 'panda3d', 'cv2'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_options_that_do_not_exist_are_refused_by_name(module: EngineModule) -> None:
    with pytest.raises(ValidationError, match="no_such_option"):
        module.parse_options({"no_such_option": 1}, "720", 16)


def test_its_path_options_are_options(module: EngineModule, options: Any) -> None:
    assert set(type(options).model_fields) >= module.TRAITS.path_options


def test_flags_say_what_options_say(name: str, module: EngineModule, options: Any) -> None:
    """As a hand-typed command, and as an engine.script's command line."""
    typed = parser().parse_args(["--engine", name, "--resolution", "480", "--fps", "10", *module.script_flags(options)])
    if module.script_flags(options):
        assert choose_engine(typed, None).options == options
        assert module.options_of_flags(typed)
    assert module.options_of_flags(parser().parse_args([])) == {}


def test_no_flag_is_another_engines(name: str, module: EngineModule) -> None:
    ours = argparse.ArgumentParser()
    module.add_flags(ours)
    flags = {flag for action in ours._actions for flag in action.option_strings if flag != "-h"}
    for other in engine_names():
        if other != name:
            theirs = argparse.ArgumentParser()
            engine_module(other).add_flags(theirs)
            assert not flags & {flag for action in theirs._actions for flag in action.option_strings} - {"--help"}


def test_the_fingerprint_is_of_engine_version_and_settings_alone(name: str, module: EngineModule, options: Any) -> None:
    identity = module.identity_without_weights(options)
    assert (identity.name, identity.weights_sha256) == (name, None)
    assert identity == module.identity_without_weights(options)
    assert identity.fingerprint.startswith(f"{name} {identity.version} (")
    assert replace(identity, weights_sha256="a").fingerprint == identity.fingerprint
    assert replace(identity, version="other").fingerprint != identity.fingerprint
    assert replace(identity, settings={}).fingerprint != identity.fingerprint


def test_a_clip_is_named_by_what_the_engine_reads(module: EngineModule, options: Any) -> None:
    identity = module.identity_without_weights(options)
    namer = ClipNamer(identity, REQUEST.geometry)
    changes: dict[str, dict[str, Any]] = {
        "prompt": {"prompt": "other"},
        "negative_prompt": {"negative_prompt": "other"},
        "guidance": {"guidance": 3.0},
        "scene": {"scene": Scene("c", IncidentType.REAR_END_COLLISION)},
        "input": {"input_sha256": "f"},
    }
    for part, change in changes.items():
        same = namer.name(replace(REQUEST, **change)) == namer.name(REQUEST)
        assert same == (part not in identity.reads), part
    assert namer.name(replace(REQUEST, clip_id="x", scenario_id="x", input_path="x")) == namer.name(REQUEST)
    assert namer.name(replace(REQUEST, seed=2)) != namer.name(REQUEST)


def test_what_it_needs_and_what_it_reads_agree(module: EngineModule, options: Any) -> None:
    reads = module.identity_without_weights(options).reads
    scene = Scene("c", IncidentType.NORMAL_TRAFFIC)
    assert module.unsupported(scene, has_input=True) is None
    assert (module.unsupported(scene, has_input=False) is not None) == module.TRAITS.needs_input
    assert module.TRAITS.needs_input <= ("input" in reads)
    if not module.TRAITS.uses_gpu:
        assert not module.needs_gpu(options)


def test_ranks_are_divided_among_the_clips(module: EngineModule, options: Any) -> None:
    for ranks in (1, 2, 4):
        for clips in (1, 2, 9):
            group = module.ranks_per_clip(options, ranks, clips)
            assert 1 <= group <= ranks
            assert ranks % group == 0


def test_its_stand_in_weights_are_those_of_an_engine_with_weights(
    module: EngineModule, name: str, tmp_path: Path
) -> None:
    checkpoint = module.make_stand_in_weights(tmp_path)
    assert (checkpoint is not None) == module.TRAITS.has_weights
    if checkpoint is not None:
        assert checkpoint.exists()
        options = module.parse_options(OPTIONS[name] | {"checkpoints_dir": str(tmp_path)}, "480", 10)
        weights_sha256 = module.identity(options).weights_sha256
        assert weights_sha256 is not None and len(weights_sha256) == 64
        with module.localize_weights(options):
            pass


def test_its_name_is_spelled_nowhere_outside_its_room(name: str) -> None:
    """The factory asks the module; only the default engine is named."""
    for folder in ("its_core", "flows", "tasks"):
        for file in (ROOT / folder).rglob("*.py"):
            if f"engines/{name}/" in file.as_posix() or "post_train" in file.as_posix():
                continue  # the trainer is of one network
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and node.value == name:
                    assert (file.name, name) == ("engine.py", DEFAULT_ENGINE), f"{file}:{node.lineno}"
                if isinstance(node, ast.ImportFrom):
                    assert f".engines.{name}" not in (node.module or ""), f"{file}:{node.lineno}"
