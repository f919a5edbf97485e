"""``<publish_url>/<dataset>/recalls/``: a file a recall, so that no later build publishes the same again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, ValidationError

from its_core import storage
from its_core.dataset.trace import Origin
from its_core.errors import FactoryError
from its_core.shards.plan import PlannedClip
from its_core.storage.errors import shown

FOLDER = "recalls"


class RecallError(FactoryError, ValueError):
    """A recall that cannot be read or made; the message says which and why."""

    default_code = "recall"


class Recall(BaseModel):
    """A recall from a dataset.

    Attributes:
        recalled_at: ISO 8601.
        clip_ids: the clips that were recalled.
        origin: what the recall named: a camera, a frame or weights. It also holds for clips that a later build plans
            under other names. None where the recall named rows or clips: it holds for those clips alone.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    recalled_at: str
    reason: str
    clip_ids: frozenset[str]
    origin: Origin | None = None

    def covers(self, clip: PlannedClip, weights_sha256: str | None) -> bool:
        """Whether a planned clip must not be made."""
        request = clip.request
        return request.clip_id in self.clip_ids or (
            self.origin is not None
            and self.origin.matches(
                {
                    "clip_id": request.clip_id,
                    "scenario_id": request.scenario_id,
                    "camera_id": request.scene.camera_id,
                    "input_image": clip.input_image,
                    "input_sha256": request.input_sha256,
                    "weights_sha256": weights_sha256,
                }
            )
        )


def lasting(origin: Origin) -> Origin | None:
    """The part of an origin that holds for later builds: nothing where it names a row or clips."""
    names_clips = origin.row is not None or origin.clip_ids is not None
    return None if names_clips else origin


def write(root_url: str, recall: Recall) -> None:
    """Records a recall; the same one is recorded once."""
    key = repr([recall.origin, sorted(recall.clip_ids)])
    url = storage.join(root_url, FOLDER, f"{hashlib.sha256(key.encode()).hexdigest()[:16]}.json")
    if not storage.exists(url):
        storage.write_bytes(url, recall.model_dump_json(indent=1).encode() + b"\n")


def read(root_url: str) -> list[Recall]:
    """All recalls from a dataset, oldest first. Raises RecallError for a file that is none."""
    found = [_read(storage.join(root_url, FOLDER, name)) for name in _names(root_url)]
    return sorted(found, key=lambda recall: recall.recalled_at)


def _names(root_url: str) -> Iterable[str]:
    return (name for name in storage.list_folder(storage.join(root_url, FOLDER)) if name.endswith(".json"))


def _read(url: str) -> Recall:
    try:
        return Recall.model_validate_json(storage.read_bytes(url))
    except ValidationError as error:
        # Not to be passed over: a build would publish again what was withdrawn.
        raise RecallError(
            f"{shown(url)}: is not a recall: {error.errors()[0]['msg']}", code="recall.bad_record"
        ) from None
