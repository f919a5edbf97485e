"""Folders named ``key=value``, as Hive, Spark, pandas, DuckDB and polars write them: each is a column of its files."""

from __future__ import annotations

from urllib.parse import unquote

from its_core.scenarios.scenario import ManifestError

NULL = "__HIVE_DEFAULT_PARTITION__"


def columns_of(base: str, name: str) -> dict[str, str | None]:
    """The columns that the folders of a file say, with its value of them as text, None for null.

    Args:
        base: URL of the folder that was listed. Of its own parts those at the end count, without a gap.
        name: the file's path from there.

    Raises:
        ManifestError: two folders of one key differ.
    """
    above = base.rstrip("/").split("/")
    first = len(above)
    while first > 0 and _is_partition(above[first - 1]):
        first -= 1
    found: dict[str, str | None] = {}
    for folder in (*above[first:], *filter(_is_partition, name.split("/")[:-1])):
        key, _, value = (unquote(each) for each in folder.partition("="))
        said = None if value == NULL else value
        if found.setdefault(key, said) != said:
            raise ManifestError(f"{base}/{name}: its folders say two values of {key!r}", code="manifest.partitions")
    return found


def _is_partition(folder: str) -> bool:
    return folder.find("=") > 0
