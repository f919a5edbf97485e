"""Which published version a command line names."""

from __future__ import annotations

from pathlib import Path

from its_core import definition as definitions
from its_core import storage
from its_core.dataset import reader


def version_of(name: str) -> reader.Version:
    """The version in a folder or at a URL, or the latest one of a definition or of a published dataset.

    Raises NotPublished.
    """
    if definitions.is_definition(name):
        definition = definitions.load(name)
        return reader.latest(storage.join(definition.publish_url, definition.name))
    url = storage.resolve(name, Path.cwd())
    try:
        return reader.open_version(url)
    except reader.NotPublished:
        return reader.latest(url)
