"""A version can be published without being the latest, and made it by hand."""

from pathlib import Path

from its_flows.cli.main import app
from typer.testing import CliRunner

from its_core.dataset import reader
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.publish import publish
from tests.dataset import samples


def test_a_person_makes_a_held_back_version_the_latest(clips: list[FinishedClip], work: Path, tmp_path: Path) -> None:
    dataset = samples.dataset(tmp_path)
    files = samples.rejected(work), samples.run_of(work), tmp_path / "work"
    first = publish(clips[:3], dataset, *files)
    second = publish(clips, dataset, *files, make_latest=False)
    root = str(Path(first.url).parent)
    assert reader.latest(root).version == first.version != second.version
    done = CliRunner().invoke(app, ["promote", second.url])
    assert done.exit_code == 0, done.output
    assert reader.latest(root).version == second.version


def test_what_is_no_version_cannot_be_promoted(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["promote", str(tmp_path)])
    assert done.exit_code == 1
    assert "no published version" in done.stderr
