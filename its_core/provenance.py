"""Which code is running: package version and, in a checkout, the commit; versions of other packages."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from importlib import metadata
from pathlib import Path

from its_core import __version__


@cache
def code_version() -> str:
    """``0.1.0``, or ``0.1.0+g1a2b3c4d5e6f`` in a Git checkout, with ``.dirty`` when tracked files were changed."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return __version__
    commit = _git(root, "rev-parse", "--short=12", "HEAD")
    if commit is None:
        return __version__
    changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    return f"{__version__}+g{commit}{'.dirty' if changed else ''}"


def package_versions(names: Iterable[str]) -> dict[str, str]:
    """The versions of those packages that are installed."""
    installed = {}
    for name in names:
        with suppress(metadata.PackageNotFoundError):
            installed[name] = metadata.version(name)
    return installed


def _git(root: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
