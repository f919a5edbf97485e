"""``README.md``, the dataset card. Its counts are taken from the rows as they are written."""

from __future__ import annotations

from typing import Any

import jinja2
import pyarrow as pa
from huggingface_hub import DatasetCardData

from its_core.dataset.labels.label_rows import LABELS
from its_core.dataset.versions.content import Dataset, VersionContent
from its_core.taxonomy import Split
from its_core.text import markdown_cell

FILE_NAME = "README.md"
_SOURCES = ("requested", "simulated", "detected", "human")
# The Hub's identifiers of licences are lower case; any other text makes a card's metadata invalid there.
_HUB_LICENSES = frozenset(
    {"afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause", "bsl-1.0", "cc"}
    | {"cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0"}
    | {"cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0"}
    | {"cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "cdla-sharing-1.0"}
    | {"eupl-1.1", "eupl-1.2", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "isc", "lgpl", "lgpl-2.1", "lgpl-3.0", "mit"}
    | {"mpl-2.0", "ms-pl", "ncsa", "odbl", "odc-by", "openrail", "osl-3.0", "other", "pddl", "unknown", "unlicense"}
)
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def render(dataset: Dataset, content: VersionContent) -> str:
    """The card as Markdown. Text of the definition and the manifest is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("its_core.dataset", "."), autoescape=False, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {"cell": markdown_cell, "code": _as_code}
    counts = content.counts
    # Sources that no label has need no column.
    sources = [source for source in _SOURCES if any(by_source[source] for by_source in counts.labels.values())]
    fields = [
        {"name": each.name, "type": _type_name(each.type), "description": _description(each)}
        for each in content.columns
    ]
    clips = {split.value: counts.clips[split.value] for split in Split if counts.clips[split.value]}
    return environment.get_template("card.md.j2").render(
        front_matter=front_matter(dataset, clips),
        name=dataset.name,
        description=dataset.description,
        license=dataset.license,
        geometry=dataset.geometry,
        engine=dataset.engine,
        clips=clips,
        incidents=dict(sorted(counts.incidents.items())),
        labels={name: counts.labels[name] for name in LABELS},
        sources=sources,
        rejected=content.rejected,
        failed=content.failed,
        fields=fields,
    )


def front_matter(dataset: Dataset, clips: dict[str, int]) -> str:
    """The card's metadata as the Hugging Face Hub reads it: YAML."""
    total = sum(clips.values())
    identifier = dataset.license.lower()
    known = identifier in _HUB_LICENSES
    data = DatasetCardData(
        pretty_name=dataset.name,
        license=identifier if known else "other",
        task_categories=["video-classification", "object-detection"],
        size_categories=next((size for most, size in _SIZES if total < most), "n>1M"),
        tags=["traffic", "accidents", "cctv", "synthetic"],
        configs=[
            {
                "config_name": "default",
                "data_files": [{"split": split, "path": f"{split}/**"} for split in clips],
            }
        ],
    )
    if not known:
        data["license_name"] = dataset.license
    return str(data.to_yaml())


def _as_code(text: object) -> str:
    """The same for text between backticks, where a backslash is only a backslash."""
    return " ".join(str(text).split()).replace("`", "'").replace("|", "¦")


def _description(column: pa.Field) -> str:
    return str((column.metadata or {}).get(b"description", b""), "utf-8")


def _type_name(type_: pa.DataType) -> Any:
    if pa.types.is_struct(type_):
        return "struct"
    return "list of structs" if pa.types.is_list(type_) else str(type_)
