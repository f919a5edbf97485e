"""Which code made a clip: the commit in a checkout, and whether tracked files were changed."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from its_core import __version__, provenance


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    package = tmp_path / "its_core"
    package.mkdir()
    (package / "provenance.py").write_text("")
    monkeypatch.setattr(provenance, "__file__", str(package / "provenance.py"))
    provenance.code_version.cache_clear()
    yield tmp_path
    provenance.code_version.cache_clear()


def git(checkout: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=checkout, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def committed(checkout: Path) -> str:
    git(checkout, "init", "-q")
    git(checkout, "add", "-A")
    git(checkout, "commit", "-q", "-m", "first")
    return git(checkout, "rev-parse", "--short=12", "HEAD")


@pytest.mark.usefixtures("checkout")
def test_outside_a_checkout_it_is_the_version_alone() -> None:
    assert provenance.code_version() == __version__


def test_in_a_checkout_it_names_the_commit(checkout: Path) -> None:
    commit = committed(checkout)
    assert provenance.code_version() == f"{__version__}+g{commit}"


def test_changed_tracked_files_make_it_dirty(checkout: Path) -> None:
    commit = committed(checkout)
    (checkout / "its_core" / "provenance.py").write_text("changed")
    assert provenance.code_version() == f"{__version__}+g{commit}.dirty"


def test_untracked_files_do_not(checkout: Path) -> None:
    commit = committed(checkout)
    (checkout / "notes.txt").write_text("mine")
    assert provenance.code_version() == f"{__version__}+g{commit}"
