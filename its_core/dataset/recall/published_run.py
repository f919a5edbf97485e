"""What a published version says of the build that it comes from, as values to publish with again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from its_core import storage
from its_core.clip import EngineIdentity, Geometry
from its_core.dataset import lineage
from its_core.dataset.layout import REJECTED_FILE
from its_core.dataset.lineage.run import Run
from its_core.dataset.reader import Version
from its_core.dataset.versions import ownership
from its_core.dataset.versions.content import Dataset
from its_core.quality_gates import Gates
from its_core.scenarios.manifest.snapshot import ManifestFile
from its_core.scenarios.scenario import Rejection


@dataclass(frozen=True)
class PublishedRun:
    """What a version's lineage says of the build that it comes from."""

    version: Version

    @cached_property
    def _event(self) -> dict[str, Any]:
        url = storage.join(self.version.url, lineage.FOLDER, lineage.EVENT_FILE)
        event: dict[str, Any] = orjson.loads(storage.read_bytes(url))
        return event

    @property
    def configuration(self) -> dict[str, Any]:
        """The resolved definition as JSON values."""
        definition: dict[str, Any] = self._event["job"]["facets"]["its_configuration"]["definition"]
        return definition

    @property
    def engine(self) -> EngineIdentity:
        engine = dict(self._event["job"]["facets"]["its_configuration"]["engine"])
        return EngineIdentity(
            name=engine["name"],
            version=engine["version"],
            weights_sha256=engine.get("weights_sha256"),
            reads=frozenset(engine["reads"]),
            settings=engine.get("settings", {}),
        )

    def run(self, run_id: str, started_at: str) -> Run:
        """A run that publishes the same clips again: the manifest's files and the definition are those of the build."""
        return Run(run_id, started_at, self._manifest(), self.configuration, self.engine)

    def _manifest(self) -> list[ManifestFile]:
        files = []
        for each in self._event["inputs"]:
            if (statistics := each.get("inputFacets", {}).get("inputStatistics")) is None:
                continue  # the engine's weights
            where = each["name"] if each["namespace"] == "file" else f"{each['namespace']}/{each['name']}"
            sha256 = each["facets"]["version"]["datasetVersion"]
            files.append(ManifestFile(where, sha256, statistics["size"]))
        return files

    def dataset(self, geometry: Geometry) -> Dataset:
        """The version's dataset. Gates that its definition did not know yet are off."""
        root, _, _ = self.version.url.rstrip("/").rpartition("/")
        known = self.configuration.get("gates") or {}
        return Dataset(
            name=self.version.dataset,
            description=self.version.description,
            license=self.version.license,
            publish_url=root.rpartition("/")[0],
            geometry=geometry,
            engine=self.engine,
            source=ownership.read(root) or "",
            gates=Gates(**{name: known.get(name) for name in Gates.model_fields}),
        )


def geometry_of(row: Mapping[str, Any]) -> Geometry:
    """The geometry of a clip's row."""
    return Geometry(width_px=row["width"], height_px=row["height"], fps=row["fps"], frames=row["no_frames"])


def rejections(version: Version) -> list[Rejection]:
    """The rows of the manifest that were rejected, without the clips that failed."""
    packed = storage.read_bytes(storage.join(version.url, REJECTED_FILE))
    return [
        Rejection(row["row"], row["scenario_id"], row["column"], row["value"], row["reason"])
        for row in pq.read_table(pa.BufferReader(packed)).to_pylist()
        if row["clip_id"] is None
    ]
