"""``its export``, ``its show --verify`` and ``its browse`` as they are typed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from its_flows.cli.main import app
from typer.testing import CliRunner

from its_core.dataset.publish import Published, publish
from tests.dataset import samples


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    work = tmp_path_factory.mktemp("work")
    clips = samples.four(work)
    folder = tmp_path_factory.mktemp("published")
    return publish(clips, samples.dataset(folder), samples.rejected(work), samples.run_of(work), work)


def test_export_says_how_many_clips_are_where(published: Published, tmp_path: Path) -> None:
    target = tmp_path / "out"

    done = CliRunner().invoke(app, ["export", published.url, "--format", "accident", "--to", str(target)])

    assert (done.exit_code, done.stdout) == (0, f"3 clips in {target}\n")
    assert (target / "labels.csv").exists()
    again = CliRunner().invoke(app, ["export", published.url, "--format", "accident", "--to", str(target)])
    assert again.exit_code == 2


def test_verify_names_the_changed_clip(published: Published, tmp_path: Path) -> None:
    folder = tmp_path / published.version
    shutil.copytree(published.url, folder)
    good = CliRunner().invoke(app, ["show", str(folder), "--verify"])
    clip = next((folder / "val").rglob("*.mp4"))
    clip.write_bytes(clip.read_bytes()[:-1] + b"x")

    changed = CliRunner().invoke(app, ["show", str(folder), "--verify"])

    assert (good.exit_code, changed.exit_code) == (0, 1)
    assert f"changed: {clip.relative_to(folder).as_posix()}" in changed.output


def test_browse_lists_every_version_with_its_page(published: Published, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["browse", str(Path(published.url).parents[1])])
    nothing = CliRunner().invoke(app, ["browse", str(tmp_path)])

    assert done.exit_code == 0
    assert published.version in done.stdout and "index.html" in done.stdout.replace("\n", "")
    assert nothing.exit_code == 1


def test_trace_and_diff(published: Published) -> None:
    root = str(Path(published.url).parent)

    traced = CliRunner().invoke(app, ["trace", root, "--camera", "cam-0"])
    none = CliRunner().invoke(app, ["trace", root, "--camera", "cam-77"])
    same = CliRunner().invoke(app, ["diff", root, published.url])

    assert (traced.exit_code, none.exit_code) == (0, 1)
    assert "1 clips in 1 versions" in traced.stdout
    assert same.stdout == "0 clips added, 0 removed, 0 values changed\n"
