"""What a decoder can open, and the loader's error."""

from __future__ import annotations

from typing import BinaryIO

from its_core import storage
from its_core.errors import FactoryError


class LoadError(FactoryError, ValueError):
    """Clips that cannot be loaded as asked; the message says which, and what would be right."""

    default_code = "load"


def for_decoder(url: str) -> str | BinaryIO:
    """What PyAV can open: the path of a local file, of another one a file object."""
    return storage.open_input(url) if storage.scheme(url) != "file" else str(storage.local_path(url))
