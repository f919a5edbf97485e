"""``croissant.json``: the version's metadata as MLCommons Croissant 1.1 with the Responsible AI fields.

It states that the data is synthetic (``isSynthetic``, and IPTC's digital source type) where programs look for it. A
record set a split has the flat columns of ``metadata.parquet``, whose files are named with their SHA-256.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

FILE_NAME = "croissant.json"
_RAI = "http://mlcommons.org/croissant/RAI/1.0"
# Short names of Croissant 1.1 (https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html).
_TERMS = (
    *("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field", "fileProperty"),
    *("fileObject", "fileSet", "format", "includes", "isArray", "isLiveDataset", "jsonPath", "key", "md5"),
    *("parentField", "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator"),
    *("source", "subField", "transform"),
)


@dataclass(frozen=True, slots=True)
class Description:
    """What the document says of a version.

    ``date_published`` is ISO 8601; ``metadata_sha256`` is that of each split's ``metadata.parquet``.
    """

    name: str
    description: str
    license: str
    version: str
    engine: str
    digital_source_type: str
    date_published: str
    metadata_sha256: Mapping[str, str]
    columns: pa.Schema


def document(described: Description) -> dict[str, Any]:
    """The document as JSON-LD."""
    text = described.description or f"Synthetic traffic video, dataset {described.name}."
    files = [
        {
            "@type": "cr:FileObject",
            "@id": f"{split}-metadata",
            "name": f"{split}-metadata",
            "description": f"Labels of the clips of split {split}, a row each.",
            "contentUrl": f"{split}/metadata.parquet",
            "encodingFormat": "application/x-parquet",
            "sha256": digest,
        }
        for split, digest in described.metadata_sha256.items()
    ]
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "name": described.name,
        "description": text,
        "conformsTo": ["http://mlcommons.org/croissant/1.1", _RAI],
        "license": described.license,
        "version": f"0.0.0+{described.version}",
        "url": f"urn:its-accident-factory:{described.name}:{described.version}",
        "creator": {"@type": "sc:Organization", "name": "its-accident-factory"},
        "datePublished": described.date_published,
        "citeAs": f"{described.name}, version {described.version}, made by its-accident-factory",
        "keywords": ["synthetic", "traffic", "accidents", "cctv"],
        "isSynthetic": True,
        "digitalSourceType": described.digital_source_type,
        **_responsible_ai(described),
        "distribution": files,
        "recordSet": [_record_set(split, described.columns) for split in described.metadata_sha256],
    }


def _context() -> dict[str, Any]:
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "sc": "https://schema.org/",
        "dct": "http://purl.org/dc/terms/",
        "conformsTo": "dct:conformsTo",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "name": {"@container": "@language"},
        "description": {"@container": "@language"},
        "isSynthetic": "https://schema.org/isSynthetic",
        "digitalSourceType": "https://schema.org/digitalSourceType",
        **{term: f"cr:{term}" for term in _TERMS},
    }


def _responsible_ai(described: Description) -> dict[str, str]:
    return {
        "rai:dataCollection": f"Synthetic: rendered by the engine {described.engine}. No incident in it took place.",
        "rai:dataCollectionType": "Synthetic data generation",
        "rai:dataAnnotationProtocol": "Labels are requested by the manifest or known from the simulation; the column "
        "sources says which, label by label.",
        "rai:dataBiases": "Frequencies follow the manifest, not real traffic.",
        "rai:dataLimitations": "A detector's results on synthetic clips do not show its results on real cameras.",
        "rai:dataUseCases": "Training and testing detectors of traffic accidents for fixed roadside cameras.",
        "rai:personalSensitiveInformation": "None: no real person or vehicle is shown where the engine starts from no "
        "camera frame; see the column input_image.",
    }


def _record_set(split: str, columns: pa.Schema) -> dict[str, Any]:
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{split}/{column.name}",
            "name": column.name,
            "description": str((column.metadata or {}).get(b"description", b""), "utf-8"),
            "dataType": _data_type(column.type),
            "source": {"fileObject": {"@id": f"{split}-metadata"}, "extract": {"column": column.name}},
        }
        for column in columns
        if not pa.types.is_nested(column.type)
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": split,
        "name": split,
        "description": f"The clips of split {split}. file_name is the clip's path from the folder {split}.",
        "key": {"@id": f"{split}/clip_id"},
        "field": fields,
    }


def _data_type(type_: pa.DataType) -> str:
    if pa.types.is_boolean(type_):
        return "sc:Boolean"
    if pa.types.is_integer(type_):
        return "sc:Integer"
    return "sc:Float" if pa.types.is_floating(type_) else "sc:Text"
