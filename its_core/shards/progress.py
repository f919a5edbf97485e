"""What each rank is doing, a small file each: how the launcher knows which clip a dead or stuck rank was rendering."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from its_core import storage

FOLDER = "ITS_PROGRESS_FOLDER"  # environment variable: where ranks report


class RankState(BaseModel):
    """``loading`` until the first clip, then ``rendering`` it; ``ended`` when its share is done; ``stopped`` by a
    signal that was meant for the whole shard, not for its clip; ``refused`` when it does not start, for ``reason``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rank: int
    state: Literal["loading", "rendering", "ended", "stopped", "refused"]
    clip_id: str | None = None
    reason: str = ""


class RankProgress:
    """Reports to the launcher, through ``folder``, what this rank does; does nothing where there is no folder."""

    def __init__(self, folder: str | None, rank: int) -> None:
        self._path = Path(folder) / f"rank_{rank}.json" if folder else None
        self._rank = rank
        self._report(RankState(rank=rank, state="loading"))

    def starts(self, clip_id: str) -> None:
        self._report(RankState(rank=self._rank, state="rendering", clip_id=clip_id))

    def ends(self) -> None:
        self._report(RankState(rank=self._rank, state="ended"))

    def stops(self) -> None:
        self._report(RankState(rank=self._rank, state="stopped"))

    def refuses(self, reason: str) -> None:
        self._report(RankState(rank=self._rank, state="refused", reason=reason))

    def _report(self, state: RankState) -> None:
        if self._path is not None:
            with storage.replacing(self._path) as part:
                part.write_text(state.model_dump_json())


def read_all(folder: Path) -> list[RankState]:
    """The last report of every rank that made one."""
    states = []
    for path in sorted(folder.glob("rank_*.json")):
        try:
            states.append(RankState.model_validate_json(path.read_bytes()))
        except (FileNotFoundError, ValidationError):
            continue
    return states
