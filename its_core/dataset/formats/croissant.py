"""MLCommons Croissant 1.1 with RAI fields: ``croissant.json`` beside the version's clips and ``metadata.parquet``."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.dataset import croissant
from its_core.dataset.formats.source import Source


def write(source: Source, folder: Path) -> None:
    columns = source.columns()
    digests = {}
    for split in source.splits:
        path = folder / split.value / "metadata.parquet"
        path.parent.mkdir(parents=True)
        with pq.ParquetWriter(path, columns) as writer:
            for clip in source.clips(split):
                storage.link_or_copy(clip.video, folder / clip.name)
                writer.write_table(pa.Table.from_pylist([clip.row], columns))
        digests[split.value] = storage.sha256_file(path)
    version = source.version
    described = croissant.Description(
        name=version.dataset,
        description=version.description,
        license=version.license,
        version=version.version,
        engine=version.engine,
        digital_source_type=version.digital_source_type,
        date_published=version.date_published,
        metadata_sha256=digests,
        columns=columns,
    )
    text = json.dumps(croissant.document(described), indent=1, ensure_ascii=False)
    (folder / croissant.FILE_NAME).write_text(text + "\n", encoding="utf-8")
