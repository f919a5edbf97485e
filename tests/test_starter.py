from __future__ import annotations

from pathlib import Path

import pytest
from its_flows.cli.main import app
from typer.testing import CliRunner

from its_core import definition as definitions
from its_core.definition import DefinitionError
from its_core.starter import write_starter


def test_what_it_writes_is_a_definition_whose_rows_can_all_be_made(tmp_path: Path) -> None:
    write_starter(tmp_path / "my-crossings")
    definition = definitions.load(tmp_path / "my-crossings")
    assert definition.name == "my-crossings"
    assert definition.publish_url == str((tmp_path / "my-crossings" / "published").resolve())
    checked = CliRunner().invoke(app, ["check", str(tmp_path / "my-crossings")])
    assert checked.exit_code == 0, checked.output
    assert "5 scenarios, 7 clips, 0 rejected" in checked.output


@pytest.mark.parametrize("name", ["dataset.yaml", "scenarios.parquet"])
def test_nothing_that_is_there_is_overwritten(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(DefinitionError) as refused:
        write_starter(tmp_path)
    assert refused.value.code == "definition.exists"
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"
