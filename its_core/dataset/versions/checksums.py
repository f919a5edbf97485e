"""``checksums.sha256``: the published files' digests, as ``sha256sum --check`` reads them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from its_core.storage import sha256_file

FILE_NAME = "checksums.sha256"


def write(folder: Path, files: Iterable[tuple[str, str | None]]) -> None:
    """Writes the list of ``files``: paths from ``folder`` with their digests, which are taken here where None."""
    with (folder / FILE_NAME).open("w", encoding="utf-8", newline="\n") as listed:
        for path, digest in sorted(files):
            listed.write(f"{digest or sha256_file(folder / path)}  {path}\n")


def read(content: str) -> dict[str, str]:
    """Path → digest. Raises ValueError for a malformed line."""
    digests = {}
    for number, line in enumerate(content.splitlines(), start=1):
        digest, separator, path = line.partition("  ")
        if not separator or len(digest) != 64:
            raise ValueError(f"{FILE_NAME}, line {number}: not a SHA-256 and a path: {line!r}")
        digests[path] = digest
    return digests
