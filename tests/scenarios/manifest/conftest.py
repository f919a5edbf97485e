"""One process decodes the manifests of all tests here: to start one takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from its_core.scenarios.manifest.parquet import source
from its_core.scenarios.manifest.parquet.reader import ParquetReader


class _Kept(ParquetReader):
    """Ends its process only where a test left in the middle of a file."""

    def __exit__(self, *_: object) -> None:
        if self._is_reading:
            self.close()


@pytest.fixture(scope="session")
def kept_reader() -> Iterator[ParquetReader]:
    reader = _Kept()
    yield reader
    reader.close()


@pytest.fixture(autouse=True)
def _one_reader(kept_reader: ParquetReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "ParquetReader", lambda: kept_reader)
