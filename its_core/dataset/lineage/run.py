"""The build that a version comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from its_core.clip import EngineIdentity
from its_core.scenarios.manifest.snapshot import ManifestFile


@dataclass(frozen=True, slots=True)
class Run:
    """A build.

    Attributes:
        run_id: a UUID.
        started_at: ISO 8601.
        manifest: the files that the build read, whatever their content is now.
        config: the resolved definition as JSON values.
        names_machine: whether host, login and local paths are published.
    """

    run_id: str
    started_at: str
    manifest: Sequence[ManifestFile]
    config: Mapping[str, Any]
    engine: EngineIdentity
    names_machine: bool = False
