"""Coverage files are read, and the manifests planned from them written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from pydantic import ValidationError

from its_core import storage
from its_core.explanation import explain
from its_core.scenarios.coverage import Coverage, CoverageError, Row

_COLUMNS = ("scenario_id", "camera_id", "pair_id", "incident_type", "averted_incident", "road_layout", "weather")
_MORE = ("light", "road_surface", "traffic_density", "severity", "cause", "camera")
_WRITTEN_HERE = {b"its_accident_factory": b"planned from a coverage file"}


def read(path: Path) -> Coverage:
    """Raises CoverageError, which names the key and what would be right."""
    try:
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CoverageError(f"{path}: cannot be read as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(told, dict):
        raise CoverageError(f"{path}: must hold keys and values, like 'clips: 240'")
    try:
        return Coverage.model_validate(told)
    except ValidationError as error:
        raise CoverageError(explain(error, str(path), Coverage)) from None


def write(rows: Sequence[Row], path: Path) -> None:
    """As a manifest; columns in which no row has a word are left out. Raises CoverageError rather than replace a file
    that was not written here."""
    if path.exists() and not _is_written_here(path):
        raise CoverageError(
            f"{path}: is there already and was not written by `its plan`: name a new file", code="coverage.exists"
        )
    names = [name for name in (*_COLUMNS, *_MORE) if any(row.get(name) for row in rows)]
    fields = [pa.field(name, pa.string()) for name in names] + [pa.field("seed", pa.int64())]
    plain = [{name: row.get(name) or None for name in names} | {"seed": row["seed"]} for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    with storage.replacing(path) as part:
        pq.write_table(pa.Table.from_pylist(plain, pa.schema(fields, metadata=_WRITTEN_HERE)), part)


def _is_written_here(path: Path) -> bool:
    try:
        return (pq.read_schema(path).metadata or {}).items() >= _WRITTEN_HERE.items()
    except (OSError, pa.ArrowException):
        return False
