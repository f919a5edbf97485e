"""Published files as local paths: the file itself on a disk, a copy in a temporary folder from S3."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from its_core import storage


class LocalFiles:
    """One file at a time: the copy of the last one is removed by the next."""

    def __init__(self) -> None:
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def path(self, url: str) -> Path:
        """Not to be changed. Raises FileNotFoundError."""
        if storage.scheme(url) == "file":
            return storage.local_path(url)
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="its-files-")
        path = Path(self._folder.name) / "file"
        path.unlink(missing_ok=True)  # a hard link to the last one keeps its content
        storage.download(url, path)
        return path
