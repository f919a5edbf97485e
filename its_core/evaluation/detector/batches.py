"""In which order an epoch shows the clips, and which crops of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from its_core.evaluation.detector import samples, views
from its_core.evaluation.detector.features import Features
from its_core.evaluation.detector.road_users import RoadUsers
from its_core.evaluation.ground_truth import TrueClip

Group = tuple[TrueClip, TrueClip | None]
Prepared = tuple[float, samples.Batch]
Planned = tuple[float, list[tuple[TrueClip, views.View]], list[tuple[int, int]]]


def groups_of(clips: Sequence[TrueClip]) -> list[Group]:
    """Every clip, a crash with its counterfactual where that is among them."""
    averted = {clip.pair_id: clip for clip in clips if clip.pair_id is not None and not clip.is_accident}
    return [(clip, averted.get(clip.pair_id or "") if clip.is_accident else None) for clip in clips]


def crops_of(clip: TrueClip, averted: TrueClip | None) -> int:
    return 1 + clip.is_accident + (averted is not None)


def planned_epoch(
    groups: Sequence[Group],
    features: Mapping[str, Features],
    users: Mapping[str, RoadUsers],
    window: views.Window,
    batch_size: int,
    seed: int,
    epoch: int,
) -> Iterator[Planned]:
    """What an epoch's batches hold: the share of the epoch before each, views of clips, and which of these are twins.
    They follow from the seed and the epoch's number.

    A crash comes with the same crop of its counterfactual and with another crop of its own clip, every other clip with
    one crop.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(groups))
    crops: list[tuple[TrueClip, views.View]] = []
    twins: list[tuple[int, int]] = []
    begun = 0.0
    for number, place in enumerate(order, start=1):
        clip, averted = groups[place]
        if clip.is_accident:
            view = views.at_contact(clip, features[clip.clip_id], window, rng)
            crops.append((clip, view))
            if averted is not None:
                twins.append((len(crops) - 1, len(crops)))
                crops.append((averted, view))
        crops.append((clip, views.elsewhere(clip, features[clip.clip_id], users.get(clip.clip_id), window, rng)))
        if len(crops) >= batch_size or number == len(order):
            yield begun, crops, twins
            crops, twins, begun = [], [], number / len(order)


def batches(
    epoch: Iterable[Planned],
    features: Mapping[str, Features],
    users: Mapping[str, RoadUsers],
    threads: int = 1,
) -> Iterator[Prepared]:
    """A planned epoch's batches, each with the share of the epoch before it, in its order. ``threads`` make the next
    ones while one is used."""

    def batch_of(planned: Planned) -> samples.Batch:
        _, crops, twins = planned
        made = [samples.sample(clip, features[clip.clip_id], users.get(clip.clip_id), view) for clip, view in crops]
        return samples.batch_of(made, twins)

    ahead: deque[tuple[float, Future[samples.Batch]]] = deque()
    # Torch gives a maker threads of its own. That is wanted: more threads than cores sleep while they wait for each
    # other, fewer spin, which beside other processes takes three times as long.
    with ThreadPoolExecutor(threads) as makers:
        for planned in epoch:
            ahead.append((planned[0], makers.submit(batch_of, planned)))
            if len(ahead) > threads:
                begun, batch = ahead.popleft()
                yield begun, batch.result()
        for begun, batch in ahead:
            yield begun, batch.result()
