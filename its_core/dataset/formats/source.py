"""A published version as the writers read it: clip by clip, so that memory does not grow with the number of clips."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from its_core import storage
from its_core.annotations import Annotations
from its_core.dataset import reader
from its_core.dataset.local_files import LocalFiles
from its_core.taxonomy import ParticipantType, Split

# The classes of every detection format, in this order, from 0.
CLASSES = tuple(word.value for word in ParticipantType)
NOT_EXPORTED_FILE = "not_exported.csv"


@dataclass(frozen=True, slots=True)
class ExportClip:
    """A published clip. ``video`` is a local file, to be linked and not changed; frames count from 0."""

    row: dict[str, Any]
    split: Split
    video: Path
    annotations: Annotations | None

    @property
    def clip_id(self) -> str:
        return str(self.row["clip_id"])

    @property
    def name(self) -> str:
        """The clip's path in the version, ``train/ab/<clip_id>.mp4``."""
        return f"{self.split.value}/{self.row['file_name']}"

    @property
    def frames(self) -> int:
        return int(self.row["no_frames"])

    @property
    def size_px(self) -> tuple[int, int]:
        return int(self.row["width"]), int(self.row["height"])


class Source:
    """Iterates over the clips of a version. Clips on S3 are downloaded one at a time."""

    def __init__(self, version: reader.Version) -> None:
        self.version = version
        self.exported = 0
        self._skipped: list[tuple[str, str]] = []
        self._files = LocalFiles()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._files.__exit__(kind, error, at)

    @property
    def splits(self) -> tuple[Split, ...]:
        return tuple(self.version.clips)

    def columns(self) -> pa.Schema:
        return self.version.columns(self.splits[0])

    def clips(
        self, split: Split | None = None, *, skip: Callable[[dict[str, Any]], str | None] = lambda _: None
    ) -> Iterator[ExportClip]:
        """The clips of a split, or of all. ``skip`` returns the reason why a row has no place in the format."""
        for each in self.splits if split is None else (split,):
            for row in self.version.rows(split=each):
                reason = skip(row)
                if reason is not None:
                    self._skipped.append((row["clip_id"], reason))
                    continue
                self.exported += 1
                yield ExportClip(row, each, self._video(each, row), self.version.annotations(row))

    def _video(self, split: Split, row: dict[str, Any]) -> Path:
        return self._files.path(storage.join(self.version.url, split.value, row["file_name"]))

    def write_skipped(self, folder: Path) -> None:
        """``not_exported.csv``, where some clips have no place in the format."""
        if not self._skipped:
            return
        with (folder / NOT_EXPORTED_FILE).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("clip_id", "reason"), *self._skipped])
