"""MLCommons Croissant 1.1 with RAI fields: ``croissant.json`` beside the version's clips and ``metadata.parquet``."""

from __future__ import annotations

import json
from pathlib import Path

from its_core import storage
from its_core.dataset import croissant
from its_core.dataset.formats.source import Source
from its_core.dataset.labels import metadata


def write(source: Source, folder: Path) -> None:
    columns = source.columns()
    for split in source.splits:
        with metadata.MetadataWriter(folder, columns) as writer:
            writer.begin(split)
            for clip in source.clips(split):
                storage.link_or_copy(clip.video, folder / clip.name)
                writer.add(split, clip.row)
    digests = {split.value: storage.sha256_file(folder / split.value / metadata.FILE_NAME) for split in source.splits}
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
