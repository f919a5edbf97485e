"""A clip's answer is of four looks' mean heat, at the peak that the classifier takes for the likeliest contact."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import interpolate

from its_core.evaluation.detector import answers, looks, peaks
from its_core.evaluation.detector.features import SIZE_PX, Features
from its_core.evaluation.detector.looks import Look
from its_core.evaluation.detector.network import TYPES, Network
from tests.evaluation import made_up

FRAMES = 3


@pytest.fixture(scope="module")
def frames() -> Features:
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (FRAMES + 1, *SIZE_PX), dtype=np.uint8)
    flow = rng.normal(0, 2, (FRAMES, 2, SIZE_PX[0] // 2, SIZE_PX[1] // 2)).astype(np.float16)
    return Features(pictures[:-1], flow, pictures[-1], np.arange(FRAMES, dtype=np.float32) / 10)


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    return Network().eval()


def answer(network: Network, frames: Features) -> tuple[float, float, float, float]:
    clip = made_up.clip("a")
    said = answers.predict(network, [clip], {"a": frames})["a"]
    assert said.type in TYPES
    score = said.scores["score"]
    return said.accident_time_s, *said.center, math.log(score / (1 - score))


def test_without_a_fitted_classifier_the_score_is_of_the_hottest_place(network: Network, frames: Features) -> None:
    seen = [Look(enlarged, mirrored) for enlarged in (1.0, 1.5) for mirrored in (False, True)]
    heats = [looks.outputs(network, frames, look).heat for look in seen]
    assert [tuple(heat[0].shape) for heat in heats] == [(FRAMES, 27, 48)] * 2 + [(FRAMES, 41, 72)] * 2
    heats[1], heats[3] = heats[1].flip(3), heats[3].flip(3)
    hottest = float(sum(interpolate(heat, (41, 72), mode="bilinear") for heat in heats).max()) / 4
    assert answer(network, frames)[3] == pytest.approx(hottest, abs=1e-4)


def test_the_answer_is_of_the_likeliest_peak(network: Network, frames: Features) -> None:
    found = peaks.find(looks.look_at(network, frames, looks.ALL), frames)
    assert len(found.at) == peaks.COUNT
    network.peaks.weight.neg_()  # the coolest of the five
    time_s, x, y, logit = answer(network, frames)
    assert time_s == pytest.approx(float(frames.times_s[found.at[-1, 0]]), abs=0.2)
    assert (x, y) == pytest.approx(tuple(found.points[-1]), abs=2.5 / 41)
    assert logit == pytest.approx(-found.cues[-1, 0], abs=1e-4)


def test_maps_lie_the_same_way_in_every_look(network: Network, frames: Features) -> None:
    """A look alone and mirrored are of the same places: the mean of both is symmetric in mirroring the clip."""
    both = (Look(), Look(mirrored=True))
    maps = looks.look_at(network, frames, both)
    flow = frames.flow[..., ::-1] * np.array([-1, 1], np.float16)[:, None, None]
    mirrored = Features(frames.frames[..., ::-1], flow, frames.background[..., ::-1], frames.times_s)
    other = looks.look_at(network, mirrored, both)
    for name in ("heat", "collisions", "types"):
        torch.testing.assert_close(getattr(maps, name), getattr(other, name).flip(-1), atol=1e-4, rtol=1e-4)
