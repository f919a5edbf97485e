"""A published version with clips of three splits, to be exported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from its_core.dataset import reader
from its_core.dataset.formats import export
from its_core.dataset.publish import Published


@pytest.fixture(scope="session")
def version(published: Published) -> reader.Version:
    return reader.open_version(published.url)


@pytest.fixture(scope="session")
def exported(version: reader.Version, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Exports the version once a format."""
    made: dict[str, Path] = {}

    def folder(format_name: str) -> Path:
        if format_name not in made:
            made[format_name] = tmp_path_factory.mktemp(format_name)
            export(version, format_name, str(made[format_name]))
        return made[format_name]

    return folder
