"""Which definition publishes under a name, so that two datasets do not overwrite each other's ``latest.json``."""

from __future__ import annotations

import orjson

from its_core import storage
from its_core.errors import FactoryError
from its_core.storage.errors import shown
from its_core.text import one_line

FILE_NAME = "dataset.json"


class NameTaken(FactoryError, RuntimeError):
    """Another definition publishes under the same name at the same place."""

    default_code = "publish.name_taken"


def read(root_url: str) -> str | None:
    """The name of the definition's folder that publishes at ``root_url``, None where none does."""
    try:
        return str(orjson.loads(storage.read_bytes(storage.join(root_url, FILE_NAME)))["definition"])
    except (FileNotFoundError, NotADirectoryError, orjson.JSONDecodeError, KeyError, TypeError):
        return None


def refuse_taken_name(root_url: str, source: str) -> None:
    """Raises NameTaken when a definition in a folder of another name has published at ``root_url``."""
    url = storage.join(root_url, FILE_NAME)
    owner = read(root_url)
    if owner is not None and owner != source:
        other = one_line(owner)[:80]
        raise NameTaken(
            f"{shown(root_url)}: the definition in folder {other!r} publishes under this name, not {source!r}: "
            f"give this dataset another name or publish_url; if it is the same dataset, delete {shown(url)}"
        )


def record(root_url: str, name: str, source: str) -> None:
    url = storage.join(root_url, FILE_NAME)
    content = orjson.dumps({"dataset": name, "definition": source}, option=orjson.OPT_APPEND_NEWLINE)
    if not storage.exists(url):
        storage.write_bytes(url, content)
