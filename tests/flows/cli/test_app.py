"""How errors become one line and an exit status."""

from __future__ import annotations

import errno
import os
import re
import tomllib
from pathlib import Path

import pytest
import typer
from its_flows.cli.app import _EXTRAS, errors_in_a_line, exit_status

from its_core import storage
from its_core.definition import DefinitionError
from its_core.scenarios.manifest import ManifestError
from its_core.shards.launcher import LaunchError
from its_core.shards.receipts import TooFewClips

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (DefinitionError("fps: 12"), 2),
        (ManifestError("no rows"), 2),
        (LaunchError("no GPU"), 1),
        (TooFewClips("1 of 2"), 1),
        (storage.DiskFull("full"), 1),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x"), 1),
        (storage.Busy("by process 1"), 3),
        (KeyboardInterrupt(), 130),
        (RuntimeError("a fault of ours"), None),
        (ModuleNotFoundError("No module named 'cv2.svm'", name="cv2.svm"), 1),
        (ModuleNotFoundError("No module named 'its_core.x'", name="its_core.x"), None),
    ],
)
def test_exit_statuses(error: BaseException, status: int | None) -> None:
    assert exit_status(error) == status


@pytest.mark.parametrize("verbose", [False, True])
def test_an_error_of_the_disk_is_a_line_and_its_traceback_only_where_asked_for(
    capfd: pytest.CaptureFixture[str], verbose: bool
) -> None:
    with pytest.raises(typer.Exit) as ended, errors_in_a_line(verbose):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/somewhere/plan.parquet")
    assert ended.value.exit_code == 1
    said = capfd.readouterr().err
    assert ("Traceback" in said) is verbose
    assert [line for line in said.splitlines() if line.startswith("error:") and "/somewhere/plan.parquet" in line]


def test_every_package_of_an_extra_is_known() -> None:
    """Those that the code imports: the tools of ``dev`` are the tests' own."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    names = {"opencv-python-headless": "cv2", "c2pa-python": "c2pa", "grpcio": "grpc", "norfair-enough": "norfair"}
    without_module = {"protobuf", "fa3-fwd", "its-accident-factory"}
    for extra in extras.keys() - {"dev"}:
        for line in extras[extra]:
            package = re.split(r"[\[><=; ]", line)[0]
            if package not in without_module:
                assert _EXTRAS[names.get(package, package.replace("-", "_"))] == f".[{extra}]", line


def test_a_missing_package_is_a_line_that_names_the_extra(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, errors_in_a_line():
        raise ModuleNotFoundError("No module named 'cv2'", name="cv2")
    assert ended.value.exit_code == 1
    assert "cv2 is not installed: pip install -c constraints.txt -e '.[evaluation]'" in capfd.readouterr().err


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), errors_in_a_line():
        raise ZeroDivisionError
