"""What is said before a build: memory, time and disk, and what would make it fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from its_tasks.preflight import preflight

from its_core import definition as definitions
from its_core.definition import Definition
from its_core.definition.model import EngineChoice

SMI = """#!/bin/sh
echo "0, GPU-aa, NVIDIA L4, 23034"
echo "1, GPU-bb, NVIDIA H200, 143771"
echo "2, GPU-cc, a GPU that is lost, [N/A]"
"""


@pytest.fixture
def definition(tmp_path: Path) -> Definition:
    options = {"model_size": "2B", "checkpoints_dir": str(tmp_path)}
    written = {"name": "small", "engine": {"name": "cosmos", "options": options}}
    (tmp_path / "dataset.yaml").write_text(json.dumps(written))
    return definitions.load(str(tmp_path))


@pytest.fixture
def gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An nvidia-smi that shows a small and a large GPU."""
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(SMI)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


@pytest.mark.usefixtures("gpus")
def test_too_little_memory_names_what_makes_it_fit(definition: Definition) -> None:
    memory, clip, whole, disk = preflight(definition, 1000)
    assert memory.startswith("not enough GPU memory: ")
    assert "NVIDIA L4 has 22.5" in memory
    assert memory.endswith("GiB with offload_prompt_refiner: true, offload_guardrail: true")
    assert "72 forwards" in clip
    assert whole.endswith("on the 2 GPUs of this machine")
    assert disk.startswith("1,000 clips take at most about 3.17 GiB")


@pytest.mark.usefixtures("gpus")
@pytest.mark.parametrize("visible", ["1", "GPU-bb"])
def test_a_gpu_that_is_not_visible_does_not_count(
    definition: Definition, monkeypatch: pytest.MonkeyPatch, visible: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    memory, _, whole, _ = preflight(definition, 10)
    assert memory.endswith("NVIDIA H200 has 140.4")
    assert whole.endswith("on the 1 GPU of this machine")


def test_a_disk_that_is_too_small_is_said(definition: Definition) -> None:
    assert any(line.startswith("not enough disk: ") for line in preflight(definition, 10**12))


def test_an_engine_without_gpus_has_nothing_to_say(definition: Definition) -> None:
    simulated = definition.model_copy(update={"engine": EngineChoice()})
    assert list(preflight(simulated, 10)) == []
