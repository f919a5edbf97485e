"""What each rank is doing, a small file each: how the launcher knows which clip a dead or stuck rank had in hand."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from its_core import storage

FOLDER = "ITS_PROGRESS_FOLDER"  # environment variable: where ranks tell
REFUSAL = "error: "  # begins the line on stderr in which a worker says why it does not start


class RankState(BaseModel):
    """``loading`` until the first clip, then ``rendering`` it; ``ended`` when its share is done; ``stopped`` by a
    signal that was meant for the whole shard, not for its clip."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: int
    state: Literal["loading", "rendering", "ended", "stopped"]
    clip_id: str | None = None


class RankProgress:
    """Tells the launcher, through ``folder``, what this rank does; tells nobody when there is no folder."""

    def __init__(self, folder: str | None, rank: int) -> None:
        self._path = Path(folder) / f"rank_{rank}.json" if folder else None
        self._rank = rank
        self._tell(RankState(rank=rank, state="loading"))

    def starts(self, clip_id: str) -> None:
        self._tell(RankState(rank=self._rank, state="rendering", clip_id=clip_id))

    def ends(self) -> None:
        self._tell(RankState(rank=self._rank, state="ended"))

    def stops(self) -> None:
        self._tell(RankState(rank=self._rank, state="stopped"))

    def _tell(self, state: RankState) -> None:
        if self._path is not None:
            with storage.replacing(self._path) as part:
                part.write_text(state.model_dump_json())


def read_all(folder: Path) -> list[RankState]:
    """The last word of every rank that has spoken."""
    states = []
    for path in sorted(folder.glob("rank_*.json")):
        try:
            states.append(RankState.model_validate_json(path.read_bytes()))
        except (FileNotFoundError, ValidationError):
            continue
    return states
