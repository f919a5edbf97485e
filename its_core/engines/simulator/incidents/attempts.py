"""Tries seed after seed, physics only, until the incident asked for has happened where the camera sees it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from its_core.clip import Geometry, Scene
from its_core.engines.simulator.incidents.catalogue import judged, staged
from its_core.engines.simulator.incidents.setting import Setting, in_picture
from its_core.engines.simulator.incidents.verdicts import Verdict
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.randomness import attempt_seed
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.simulation.run import Run, simulate


@dataclass(frozen=True, slots=True)
class Try:
    seed: int
    why: str  # empty when the incident happened


@dataclass(frozen=True, slots=True)
class Tried:
    """``run`` and ``verdict`` are None when no try succeeded; ``tries`` are all of them, the successful one last."""

    run: Run | None
    verdict: Verdict | None
    tries: tuple[Try, ...]


def try_until_it_happens(
    scene: Scene, layout: Layout, camera: Camera, geometry: Geometry, seed: int, attempts: int
) -> Tried:
    """The first try takes ``seed`` itself, later ones seeds derived from it."""
    tries: list[Try] = []
    for attempt in range(attempts):
        own = attempt_seed(seed, attempt)
        setting = Setting(scene, layout, geometry, camera, np.random.default_rng(own))
        run = simulate(staged(setting), geometry)
        verdict = judged(setting, run)
        why = _unseen(verdict, camera) if verdict.happened else verdict.why
        tries.append(Try(own, why))
        if not why:
            return Tried(run, verdict, tuple(tries))
    return Tried(None, None, tuple(tries))


def _unseen(verdict: Verdict, camera: Camera) -> str:
    """Why the camera does not show where it happened; empty when it does, or when there is no such place."""
    where = verdict.where_m
    if where is None or in_picture(camera, np.array([where]))[0]:
        return ""
    x, y, _ = where
    return f"it happened outside the picture, {x:.0f} m east and {y:.0f} m north of the middle"
