"""``README.md``, the dataset card. Its counts are taken from the rows as they are written."""

from __future__ import annotations

import html
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jinja2
import pyarrow as pa
import yaml

from its_core.clip import EngineIdentity, Geometry
from its_core.dataset.labels.label_rows import LABELS
from its_core.taxonomy import Split

FILE_NAME = "README.md"
_SOURCES = ("requested", "simulated", "detected", "human")


@dataclass(slots=True)
class Counts:
    """Clips by split, by incident and split, and by label and source (None: no value)."""

    clips: Counter[str] = field(default_factory=Counter)
    incidents: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    labels: defaultdict[str, Counter[str | None]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, row: Mapping[str, Any]) -> None:
        self.clips[row["split"]] += 1
        self.incidents[row["incident_type"] or "not specified"][row["split"]] += 1
        for name in LABELS:
            source = row["sources"][name]
            self.labels[name][source["source"] if source else None] += 1


def render(
    *,
    name: str,
    description: str,
    license_: str,
    geometry: Geometry,
    engine: EngineIdentity,
    counts: Counts,
    rejected: int,
    columns: pa.Schema,
) -> str:
    """The card as Markdown. Text of the definition and the manifest is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("its_core.dataset", "."), autoescape=False, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"cell": _as_cell, "code": _as_code, "scalar": _as_scalar}
    # Sources that no label has need no column.
    sources = [source for source in _SOURCES if any(by_source[source] for by_source in counts.labels.values())]
    fields = [{"name": each.name, "type": _type_name(each.type), "description": _description(each)} for each in columns]
    template = environment.get_template("card.md.j2")
    return template.render(
        name=name,
        description=description,
        license=license_,
        geometry=geometry,
        engine=engine,
        clips={split.value: counts.clips[split.value] for split in Split if counts.clips[split.value]},
        incidents=dict(sorted(counts.incidents.items())),
        labels={name: counts.labels[name] for name in LABELS},
        sources=sources,
        rejected=rejected,
        fields=fields,
    )


def _as_cell(text: object) -> str:
    """Text that can neither leave a Markdown table's cell nor become HTML, a link or code."""
    plain = html.escape(" ".join(str(text).split()), quote=False)
    escaped = "".join(f"\\{character}" if character in "|`[]*_\\#~$" else character for character in plain)
    return "\\" + escaped if escaped.startswith(("-", "+", "=")) else escaped  # no list, rule or heading


def _as_code(text: object) -> str:
    """The same for text between backticks, where a backslash is only a backslash."""
    return " ".join(str(text).split()).replace("`", "'").replace("|", "¦")


def _as_scalar(text: str) -> str:
    """A YAML text in quotes, in a line."""
    return str(yaml.safe_dump(text, default_style='"', width=math.inf)).strip()


def _description(column: pa.Field) -> str:
    return str((column.metadata or {}).get(b"description", b""), "utf-8")


def _type_name(type_: pa.DataType) -> str:
    if pa.types.is_struct(type_):
        return "struct"
    return "list of structs" if pa.types.is_list(type_) else str(type_)
