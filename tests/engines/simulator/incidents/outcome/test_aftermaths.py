"""What is said to be seen after an incident is what the picture shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from its_core.engines.simulator.incidents.outcome.aftermaths import lacks
from its_core.engines.simulator.meshes.frights import STARTLE_UP_S, fright_of
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.simulation.run import Run
from its_core.taxonomy import Aftermath, RoadLayout
from tests.engines.simulator.staged import drive, person


@pytest.fixture(scope="module")
def stroll() -> Run:
    return drive(place(RoadLayout.URBAN_STREET, "a"), [], [person(((0.0, 0.0), (0.0, 30.0)), 1.3)])


def frightened(run: Run, from_frame: int, struck_frame: int | None = None) -> Run:
    trace = run.trace
    startle, limbs = np.zeros_like(trace.startle), {}
    since_s = (np.arange(len(startle)) - from_frame) / trace.fps
    startle[:, 0] = np.clip(since_s / STARTLE_UP_S, 0.0, 1.0)
    if struck_frame is not None:
        limbs[0] = np.full((len(startle), 7, 7), np.nan)
        limbs[0][struck_frame:] = 0.0
        startle[struck_frame:] = 0.0
    return replace(run, trace=replace(trace, startle=startle, limbs=limbs))


def test_people_retreat_when_they_show_their_fright(stroll: Run) -> None:
    trace = stroll.trace
    fright = fright_of(trace.actors[0].look)
    frames, unseen = len(trace.startle), int(fright.delay_s * trace.fps)
    assert unseen > 1
    retreats = Aftermath.PEDESTRIANS_RETREAT
    assert lacks(stroll, retreats) is not None
    assert lacks(frightened(stroll, 10), retreats) is None
    assert lacks(frightened(stroll, frames - unseen), retreats) is not None, "the clip ends before it shows"
    assert lacks(frightened(stroll, 10, 10 + unseen), retreats) is not None, "who is struck at once does not jump"
