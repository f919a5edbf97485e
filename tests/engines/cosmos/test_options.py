"""Options, and the command-line flags of the same names."""

from __future__ import annotations

import argparse
import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from its_core.engines import option_flags
from its_core.engines.cosmos import engine
from its_core.engines.cosmos.options import CosmosOptions

GUIDE = [
    "--model_size", "2B", "--dit_path", "iter_000001000.pt", "--num_gpus", "8", "--use_lora", "--lora_rank", "16",
    "--lora_alpha", "16", "--lora_target_modules", "q_proj,k_proj,v_proj,output_proj,mlp.layer1,mlp.layer2",
    "--offload_guardrail", "--offload_prompt_refiner",
]  # fmt: skip


def parsed(given: list[str]) -> CosmosOptions:
    parser = argparse.ArgumentParser()
    parser.add_argument("--resolution", default="720")
    parser.add_argument("--fps", type=int, default=16)
    engine.add_flags(parser)
    arguments = parser.parse_args(given)
    return engine.parse_options(engine.options_of_flags(arguments), arguments.resolution, arguments.fps)


def test_the_guides_flags() -> None:
    options = parsed(GUIDE)
    assert (options.model_size, options.num_gpus, options.lora_rank, options.lora_alpha) == ("2B", 8, 16, 16)
    assert options.use_lora
    assert options.offload_guardrail
    assert not options.disable_guardrail
    assert options.targets == ["q_proj", "k_proj", "v_proj", "output_proj", "mlp.layer1", "mlp.layer2"]


@pytest.mark.parametrize("extra", [[], ["--fps", "10", "--resolution", "480"], ["--num_conditional_frames", "5"]])
def test_flags_say_what_options_say(extra: list[str]) -> None:
    options = parsed([*GUIDE, *extra])
    place = ["--fps", str(options.fps), "--resolution", options.resolution]
    assert parsed([*engine.script_flags(options), *place]) == options


def test_every_flag_of_the_lora_script_is_known() -> None:
    parser = argparse.ArgumentParser()
    engine.add_flags(parser)
    ours = {action.option_strings[0] for action in parser._actions}
    theirs = [
        "model_size", "dit_path", "use_lora", "lora_rank", "lora_alpha", "lora_target_modules", "init_lora_weights",
        "num_conditional_frames", "num_gpus", "disable_guardrail", "offload_guardrail", "disable_prompt_refiner",
        "offload_prompt_refiner", "benchmark",
    ]  # fmt: skip
    assert {f"--{name}" for name in theirs} <= ours


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model_size": "7B"}, "Input should be '2B', '14B' or 'tiny'"),
        ({"lora_rank": 0}, "greater than or equal to 1"),
        ({"num_conditional_frames": 3}, "Input should be 1 or 5"),
        ({"lora_target_modules": "q_proj,,k_proj"}, "layer names separated by commas"),
        ({"loar_rank": 16}, "Extra inputs are not permitted"),
        ({"context_parallel_size": 3}, "3 GPUs cannot share one clip"),
        (
            {"dit_path": "a/model-720p-16fps-natten.pt"},
            "model-720p-16fps-natten.pt was trained with sparse .* add natten",
        ),
        ({"base_path": "s3://b/model-720p-16fps.pt", "natten": True}, "was trained with dense attention: drop natten"),
    ],
)
def test_bad_options_name_key_value_and_what_is_right(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        engine.parse_options(options, "720", 16)
    assert next(iter(options)) in str(caught.value) or "context_parallel" in next(iter(options))


def test_sparse_checkpoints_are_for_720() -> None:
    with pytest.raises(ValidationError, match="for resolution 720, not 480"):
        engine.parse_options({"natten": True}, "480", 16)


def test_sparse_attention_takes_nvidias_sparse_checkpoint() -> None:
    options = parsed(["--natten", "--model_size", "14B", "--fps", "10"])
    assert options.folders.base.name == "model-720p-10fps-natten.pt"
    assert (len(options.neighbourhoods), options.neighbourhoods.count(None)) == (36, 1)
    assert parsed(["--dit_path", "lora/iter_000001000.pt"]).neighbourhoods == ()


def test_bad_flags_are_one_line() -> None:
    with pytest.raises(ValidationError) as raised:
        parsed(["--lora_rank", "5000"])
    assert option_flags.explain(raised.value) == "--lora_rank 5000: Input should be less than or equal to 1024"


def test_checkpoints_lie_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ITS_CHECKPOINTS", "/models")
    assert str(CosmosOptions().folders.base) == "/models/nvidia/Cosmos-Predict2-2B-Video2World/model-720p-16fps.pt"
    assert engine.script_flags(CosmosOptions()) == []


def test_the_engine_module_and_its_flags_import_no_torch() -> None:
    code = "import sys, its_core.engines.cosmos.engine; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
