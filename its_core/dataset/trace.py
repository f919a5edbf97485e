"""Which published clips come from a camera, a frame, weights, or a row of the manifest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import BufferReader

from its_core import storage
from its_core.dataset import lineage
from its_core.dataset.reader import Version
from its_core.dataset.versions import tombstones

_COLUMNS = ["clip_id", "split", "file_name", "scenario_id", "camera_id"]
_COLUMNS += ["input_image", "input_sha256", "weights_sha256"]


@dataclass(frozen=True, slots=True)
class Origin:
    """What clips may have in common. Every given field must match; None matches all.

    Attributes:
        frame: the SHA-256 of a conditioning image or video, or its name as the manifest has it.
        weights: the SHA-256 of an engine's weights, or its first digits (12 at least).
        row: a scenario_id, or the number of a manifest's row.
        clip_ids: the clips themselves.
    """

    camera: str | None = None
    frame: str | None = None
    weights: str | None = None
    row: str | None = None
    clip_ids: frozenset[str] | None = None

    def matches(self, row: Mapping[str, Any], manifest_row: int | None = None) -> bool:
        """Whether a clip has the origin. ``row`` has the columns clip_id, scenario_id, camera_id, input_image,
        input_sha256 and weights_sha256; ``manifest_row`` is the number of the manifest's row, None where unknown."""
        weights = row["weights_sha256"] or ""
        return (
            (self.camera is None or row["camera_id"] == self.camera)
            and (self.frame is None or self.frame in (row["input_sha256"], row["input_image"]))
            and (self.weights is None or (len(self.weights) >= 12 and weights.startswith(self.weights)))
            and (self.row is None or self.row in (row["scenario_id"], str(manifest_row)))
            and (self.clip_ids is None or row["clip_id"] in self.clip_ids)
        )


@dataclass(frozen=True, slots=True)
class Derived:
    """A published clip and the version that it is in; ``path`` is from the version's folder.

    ``recalled_at`` says when the clip was recalled; the file is gone then. None: it is there.
    """

    version: Version
    clip_id: str
    scenario_id: str
    path: str
    recalled_at: str | None = None


def trace(versions: Iterable[Version], origin: Origin) -> Iterator[Derived]:
    """Every clip of the versions that has the origin, those that were recalled last."""
    for version in versions:
        rows_of = _manifest_rows(version) if origin.row is not None and origin.row.isdecimal() else {}
        stones = tombstones.read(version.url)
        recalled_at = {stone.clip_id: stone.recalled_at for stone in stones}
        for row in (*version.rows(_COLUMNS), *(stone.row for stone in stones)):
            clip_id = row["clip_id"]
            if origin.matches(row, rows_of.get(clip_id)):
                path = f"{row['split']}/{row['file_name']}"
                yield Derived(version, clip_id, row["scenario_id"], path, recalled_at.get(clip_id))


def _manifest_rows(version: Version) -> dict[str, int]:
    url = storage.join(version.url, lineage.FOLDER, lineage.CLIPS_FILE)
    table = pq.read_table(BufferReader(storage.read_bytes(url)), columns=["clip_id", "manifest_row"])
    known = table.filter(pc.is_valid(table["manifest_row"]))
    return dict(zip(known["clip_id"].to_pylist(), known["manifest_row"].to_pylist(), strict=True))
