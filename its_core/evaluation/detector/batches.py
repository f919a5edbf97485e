"""In which order an epoch shows the clips, and which crops of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from its_core.evaluation.detector import samples, views
from its_core.evaluation.detector.features import Features
from its_core.evaluation.detector.road_users import RoadUsers
from its_core.evaluation.ground_truth import TrueClip

Group = tuple[TrueClip, TrueClip | None]
Prepared = tuple[float, samples.Batch]


def groups_of(clips: Sequence[TrueClip]) -> list[Group]:
    """Every clip, a crash with its counterfactual where that is among them."""
    averted = {clip.pair_id: clip for clip in clips if clip.pair_id is not None and not clip.is_accident}
    return [(clip, averted.get(clip.pair_id or "") if clip.is_accident else None) for clip in clips]


def crops_of(clip: TrueClip, averted: TrueClip | None) -> int:
    return 1 + clip.is_accident + (averted is not None)


def batches(
    groups: Sequence[Group],
    features: Mapping[str, Features],
    users: Mapping[str, RoadUsers],
    window: views.Window,
    batch_size: int,
    seed: int,
    epoch: int,
) -> Iterator[Prepared]:
    """An epoch's batches, each with the share of the epoch before it. They follow from the seed and the epoch's number.

    A crash comes with the same crop of its counterfactual and with another crop of its own clip, every other clip with
    one crop.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(groups))
    crops: list[samples.Sample] = []
    twins: list[tuple[int, int]] = []
    begun = 0.0

    def add(clip: TrueClip, view: views.View) -> None:
        crops.append(samples.sample(clip, features[clip.clip_id], users.get(clip.clip_id), view))

    for number, place in enumerate(order, start=1):
        clip, averted = groups[place]
        if clip.is_accident:
            view = views.at_contact(clip, features[clip.clip_id], window, rng)
            add(clip, view)
            if averted is not None:
                twins.append((len(crops) - 1, len(crops)))
                add(averted, view)
        add(clip, views.elsewhere(clip, features[clip.clip_id], users.get(clip.clip_id), window, rng))
        if len(crops) >= batch_size or number == len(order):
            yield begun, samples.batch_of(crops, twins)
            crops, twins, begun = [], [], number / len(order)


def made_ahead(made: Iterator[Prepared]) -> Iterator[Prepared]:
    """The same batches; a thread makes the next one while one is used."""
    with ThreadPoolExecutor(1) as maker:
        following = maker.submit(next, made, None)
        while (prepared := following.result()) is not None:
            following = maker.submit(next, made, None)
            yield prepared
