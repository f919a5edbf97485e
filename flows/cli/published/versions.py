"""Which published versions a command line names."""

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
    return reader.version_or_latest(storage.resolve(name, Path.cwd()))


def published_versions(place: str) -> list[reader.Version]:
    """All versions of the datasets published at a place, of one dataset, or of a definition.

    Raises NotPublished where there is none.
    """
    versions = [version for root in _roots(place) for version in reader.versions(root)]
    if not versions:
        raise reader.NotPublished(f"{place}: no published version", code="not_published.nothing")
    return versions


def _roots(place: str) -> list[str]:
    """The folders of datasets at a place: the place itself, or those in it."""
    if definitions.is_definition(place):
        definition = definitions.load(place)
        return [storage.join(definition.publish_url, definition.name)]
    url = storage.resolve(place, Path.cwd())
    names = storage.list_folder(url)
    if "latest.json" in names:
        return [url]
    return [storage.join(url, name) for name in names if not name.startswith(".")]
