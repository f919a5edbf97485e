"""What was recalled stays away: a later build neither reuses it nor makes it again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from its_flows.build_dataset import build_dataset
from its_flows.cli.main import app
from typer.testing import CliRunner

from its_core.clip import Outcome
from its_core.dataset import reader
from tests.system.conftest import small

pytestmark = pytest.mark.usefixtures("prefect_server")


def test_a_build_after_a_recall_publishes_the_version_that_the_recall_left(tmp_path: Path) -> None:
    folder = small(tmp_path)
    build_dataset(str(folder))
    root = tmp_path / "published" / "small"
    camera = ["recall", str(root), "--camera", "c1", "--reason", "no consent"]
    asked = CliRunner().invoke(app, camera, input="n\n")
    assert asked.exit_code == 1
    assert len(list(reader.latest(str(root)).rows())) == 3

    done = CliRunner().invoke(app, [*camera, "--yes"])
    left = reader.latest(str(root))
    assert done.exit_code == 0, done.output
    assert left.url in done.output.replace("\n", "")
    assert {row["camera_id"] for row in left.rows()} == {"c0", "c2"}
    audits = list(root.glob("*/report/audit.json"))
    assert [json.loads(audit.read_text())["of"] for audit in audits if left.version in str(audit)] == [2]
    assert len(audits) == 2  # of the build's version, and of the one that the recall left
    assert not any(str(tmp_path) in audit.read_text() for audit in audits)

    built = build_dataset(str(folder))

    assert (built.published.version, built.published.was_there) == (left.version, True)
    assert built.outcomes == {Outcome.REUSED: 2, Outcome.RECALLED: 1, Outcome.REJECTED_INPUT: 0}
    assert len(list((folder / ".its" / "clips").rglob("*.mp4"))) == 2  # the recalled one is gone there too
