"""The order follows from seed and epoch alone, whatever the number of ranks and workers."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from its_core.dataset import AccidentClips
from its_core.dataset.loading import ordering
from its_core.dataset.loading.clips import ClipStream
from its_core.dataset.publish import Published


def loader_of(stream: ClipStream, **how: Any) -> DataLoader[Any]:
    """Workers are new processes: what other tests left in this one (threads, handlers) is not theirs."""
    return DataLoader(stream, multiprocessing_context="spawn" if how["num_workers"] else None, **how)


def clip_ids(clips: AccidentClips, epoch: int = 0, workers: int = 0, **arguments: int) -> list[str]:
    stream = clips.stream(batch_size=2, seed=7, **arguments)
    stream.set_epoch(epoch)
    return [name for batch in loader_of(stream, batch_size=2, num_workers=workers) for name in batch["clip_id"]]


@pytest.fixture(scope="module")
def frames(published: Published) -> AccidentClips:
    """36 samples, nine of each clip, so that an order says something."""
    return AccidentClips(published.url, unit="frame", size_px=(8, 8))


def positions(clips: AccidentClips, workers: int, **arguments: int) -> list[tuple[str, float]]:
    stream = clips.stream(batch_size=4, seed=3, **arguments)
    return [
        (name, time)
        for batch in loader_of(stream, batch_size=4, num_workers=workers)
        for name, time in zip(batch["clip_id"], batch["times_s"].flatten().tolist(), strict=True)
    ]


def test_workers_do_not_change_the_order(frames: AccidentClips) -> None:
    assert positions(frames, 0) == positions(frames, 2)
    assert len(set(positions(frames, 0))) == len(frames)


def test_two_ranks_together_take_the_order_of_one(frames: AccidentClips) -> None:
    one = positions(frames, 0)
    first, second = (positions(frames, 0, rank=rank, ranks=2) for rank in (0, 1))
    assert [item for pair in zip(first, second, strict=True) for item in pair] == one


def test_epochs_differ_and_standing_workers_follow(published: Published) -> None:
    clips = AccidentClips(published.url, unit="frame", size_px=(8, 8))
    stream = clips.stream(seed=1)
    loader = loader_of(stream, num_workers=1, persistent_workers=True)
    epochs = []
    for epoch in (0, 1, 0):
        stream.set_epoch(epoch)
        epochs.append([(b["clip_id"][0], b["times_s"].item()) for b in loader])
    assert epochs[0] == epochs[2] != epochs[1]
    assert sorted(epochs[0]) == sorted(epochs[1])


def test_shuffled_ranks_are_evened_out_unshuffled_ones_are_not() -> None:
    order = ordering.global_order(7, seed=0, epoch=0, shuffle=True, groups=None)
    evened = [ordering.of_rank(order, rank, 4, even=True) for rank in range(4)]
    assert [len(items) for items in evened] == [2, 2, 2, 2]
    assert Counter(item for items in evened for item in items) == Counter({**dict.fromkeys(range(7), 1), order[0]: 2})
    uneven = [ordering.of_rank(list(range(7)), rank, 4, even=False) for rank in range(4)]
    assert sorted(item for items in uneven for item in items) == list(range(7))


def test_balanced_orders_take_each_value_equally_often() -> None:
    groups = ["crash"] * 3 + ["calm"] * 17
    order = ordering.global_order(20, seed=0, epoch=0, shuffle=True, groups=groups)
    assert Counter(groups[item] for item in order) == {"crash": 10, "calm": 10}
    assert max(Counter(item for item in order if item < 3).values()) == 4  # 10 of 3 items: 3, 3 and 4 times
    assert order != ordering.global_order(20, seed=0, epoch=1, shuffle=True, groups=groups)


def test_balanced_samplers_look_at_labels_or_columns(published: Published) -> None:
    clips = AccidentClips(published.url)
    by_label = [clips.label_of(place) for place in clips.sampler(balance="label")]
    assert sorted(by_label) == [0, 0, 1, 1]
    by_split = Counter(clips.rows[place]["split"] for place in clips.sampler(balance="split", seed=1))
    assert max(by_split.values()) <= 2
    assert min(by_split.values()) >= 1


def test_ranks_come_from_torch_distributed(published: Published, tmp_path: Path) -> None:
    clips = AccidentClips(published.url)
    torch.distributed.init_process_group("gloo", init_method=f"file://{tmp_path}/meet", rank=0, world_size=1)
    try:
        assert len(clips.sampler()) == 4
    finally:
        torch.distributed.destroy_process_group()
    assert len(clips.sampler(rank=1, ranks=2)) == 2
    with pytest.raises(ValueError, match="rank 2 of 2"):
        clips.sampler(rank=2, ranks=2)
