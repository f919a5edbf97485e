"""How a definition names the parts of a training set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from its_core.definition import Name
from its_core.post_training.data.clips import Kind


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PublishedPart(_Part):
    """A published version: its clips of the splits train and val, captioned from what was observed in them."""

    dataset: Name = Field(description="name of a published dataset")
    version: Name = Field("latest", description="its version, or latest")


class FolderPart(_Part):
    """``videos/NAME.mp4`` and ``metas/NAME.txt``."""

    folder: str = Field(description="folder or s3:// prefix with videos/ and metas/")
    kind: Kind = Field(description="what its clips show: incident or normal")


class ManifestPart(_Part):
    """A Parquet file with the columns video and caption."""

    manifest: str = Field(description="Parquet file, a path or an s3:// URL")
    kind: Kind | None = Field(None, description="what its clips show; empty: its column kind or incident_type says")
    allowed_inputs: tuple[str, ...] = Field((), description="folders beside the manifest's own that video may name")


def _which_part(value: Any) -> str | None:
    keys = value if isinstance(value, Mapping) else vars(value)
    named = [key for key in ("dataset", "folder", "manifest") if key in keys]
    return named[0] if len(named) == 1 else None


Part = Annotated[
    Annotated[PublishedPart, Tag("dataset")]
    | Annotated[FolderPart, Tag("folder")]
    | Annotated[ManifestPart, Tag("manifest")],
    Discriminator(
        _which_part,
        custom_error_type="part",
        custom_error_message="must name one of dataset, folder and manifest",
    ),
]
