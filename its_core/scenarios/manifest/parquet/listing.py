"""Which files a manifest has, and which lie beside them and are not read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from its_core import storage
from its_core.scenarios.manifest.parquet import partitions
from its_core.scenarios.scenario import ManifestError
from its_core.storage import NotThere, Stat, UnusableUrl, shown
from its_core.text import short

_SUFFIX = re.compile(r"\.(parquet|parq|pqt?)$", re.IGNORECASE)
# What table writers and file managers leave behind; nobody means it as rows.
_BOOKKEEPING = re.compile(
    r"\._.*|_SUCCESS|_(common_)?metadata|_(committed|started)_\d+|\..*\.crc|Thumbs\.db|desktop\.ini|dataset\.ya?ml"
)
_TABLES = {"_delta_log": "Delta Lake", ".hoodie": "Hudi"}
_ICEBERG = re.compile(r"(^|/)metadata/[^/]+\.metadata\.json$")


@dataclass(frozen=True, slots=True)
class Listed:
    """A file to read: what changes with its content, and the columns that its folders say."""

    stat: Stat
    partitions: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """The files by URL, in the order in which they are read; ``not_read`` are paths from the manifest's folder."""

    files: dict[str, Listed]
    not_read: tuple[str, ...] = ()


def where(manifest_url: str) -> str:
    """How messages name a manifest or a file of it."""
    return short(shown(manifest_url), 300)


def list_files(manifest_url: str) -> Listing:
    """The Parquet files that a URL names: itself, those below it where it is a folder, or those that match it as a
    pattern (a folder that matches stands for the files below it). Names and folders that begin with ``_`` or ``.`` are
    passed over.

    Raises:
        ManifestError: there is none, or it is a table of a format whose files may not all count.
    """
    try:
        with suppress(NotThere):
            folder, name = storage.split(manifest_url)
            return Listing({manifest_url: Listed(storage.stat(manifest_url), partitions.columns_of(folder, name))})
        if storage.is_glob(manifest_url) and not storage.exists(manifest_url):
            base, _ = storage.split_glob(manifest_url)
            found = {**storage.glob(manifest_url), **storage.glob(storage.join(manifest_url, "**"))}
            names = {url.removeprefix(storage.join(base, "")): stat for url, stat in found.items()}
            matched = set(storage.glob(manifest_url))
        else:
            base, names, matched = manifest_url, storage.find(manifest_url), set()
    except (NotThere, UnusableUrl) as error:
        raise ManifestError(str(error), code="manifest.not_there") from None
    _refuse_other_tables(manifest_url, names)
    files, not_read = {}, []
    for name, stat in sorted(names.items()):
        url = storage.join(base, name)
        if _is_visible(name) and (_SUFFIX.search(name) or url in matched):
            files[url] = Listed(stat, partitions.columns_of(base, name))
        elif _is_worth_naming(name):
            not_read.append(name)
    if not files:
        raise ManifestError(f"{where(manifest_url)}: {_nothing(manifest_url, not_read)}", code="manifest.not_there")
    return Listing(files, tuple(not_read))


def base_folder(manifest_url: str) -> str:
    """What relative paths in a manifest count from where no definition says it: the manifest, if it is a folder, else
    the folder that it lies in, for a glob the one before the first wildcard."""
    if storage.is_folder(manifest_url):
        return manifest_url
    if storage.is_glob(manifest_url) and not storage.exists(manifest_url):
        return storage.split_glob(manifest_url)[0]
    return storage.split(manifest_url)[0]


def _is_visible(name: str) -> bool:
    return not any(part.startswith((".", "_")) and "=" not in part for part in name.split("/"))


def _is_worth_naming(name: str) -> bool:
    *folders, last = name.split("/")
    hidden = any(folder.startswith(".") for folder in folders) or (last.startswith(".") and not _SUFFIX.search(last))
    return not hidden and not _BOOKKEEPING.fullmatch(last)


def _refuse_other_tables(manifest_url: str, names: dict[str, Stat]) -> None:
    for kind in _kinds_of_table(names):
        raise ManifestError(
            f"{where(manifest_url)}: is a table of {kind}, of whose files some may hold rows that were deleted; "
            "write its rows to a folder of plain Parquet files",
            code="manifest.table_format",
        )


def _kinds_of_table(names: dict[str, Stat]) -> Iterator[str]:
    for name in names:
        yield from (_TABLES[folder] for folder in name.split("/")[:-1] if folder in _TABLES)
        if _ICEBERG.search(name):
            yield "Iceberg"


def _nothing(manifest_url: str, not_read: list[str]) -> str:
    if not_read:
        return f"no Parquet file there, only {some_of(not_read)}"
    if storage.is_glob(manifest_url) or storage.exists(manifest_url):
        return "no Parquet file there"
    return "no such manifest; name a Parquet file, a folder of them or a glob"


def some_of(names: Sequence[str], most: int = 5) -> str:
    """A list of names for a message, cut where it is long."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(short(name) for name in names[:most]) + more
