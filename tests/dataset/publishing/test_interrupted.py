"""A publisher killed at any moment leaves the old version readable, and its successor finishes the work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system

KILLS = 6


def test_a_publisher_killed_between_any_two_changes_of_the_disk(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.dataset.publishing.interrupted_publishing", str(tmp_path), str(KILLS)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("killed before change") >= KILLS
    assert done.stdout.endswith("finished\n")
