"""Engines that a definition names."""

from pathlib import Path

import pytest
from its_tasks.engines import resolve_engine

from its_core import definition
from its_core.definition import DefinitionError


@pytest.mark.parametrize("key", ["dit_path", "base_path", "checkpoints_dir"])
def test_a_script_of_ones_own_is_given_no_weights_on_s3(tmp_path: Path, key: str) -> None:
    (tmp_path / "dataset.yaml").write_text("name: crossings\n")
    place = "s3://bucket/weights"
    overrides = {"engine.name": "cosmos", "engine.script": str(tmp_path / "run.py"), f"engine.options.{key}": place}

    with pytest.raises(DefinitionError) as raised:
        resolve_engine(definition.load(tmp_path, overrides))

    told = f"{tmp_path}: engine cosmos: {tmp_path}/run.py cannot read {place}: name a copy on this disk"
    assert str(raised.value) == told
