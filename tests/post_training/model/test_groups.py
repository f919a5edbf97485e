"""How processes share the clips of a step."""

from __future__ import annotations

import pytest
import torch

from its_core.post_training.errors import PostTrainingError
from its_core.post_training.model.groups import TrainingGroup, join


@pytest.mark.parametrize(
    ("ranks", "ranks_per_clip", "frames", "heads"), [(1, 2, 16, 2), (3, 2, 16, 2), (4, 4, 6, 4), (4, 4, 16, 2)]
)
def test_sizes_that_do_not_divide_are_refused(
    ranks: int, ranks_per_clip: int, frames: int, heads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", str(ranks))
    with pytest.raises(PostTrainingError) as caught:
        join(ranks_per_clip, torch.device("cpu"), frames, heads)
    assert caught.value.code == "post_training.processes"


@pytest.mark.parametrize("count", [1, 3, 4, 7])
def test_all_pieces_of_work_are_somebodys_and_all_groups_do_equally_many(count: int) -> None:
    groups = [TrainingGroup(rank, 4, 2) for rank in (0, 2)]
    mine = [group.mine_of(count) for group in groups]
    assert {piece for pieces in mine for piece in pieces} == set(range(count))
    assert len(mine[0]) == len(mine[1])
