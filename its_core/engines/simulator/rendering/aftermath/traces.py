"""Keeps what a clip leaves on its ground, frame by frame, and shows what is still in motion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight
from its_core.engines.simulator.rendering.aftermath.clouds import Clouds, wind
from its_core.engines.simulator.rendering.aftermath.debris import debris
from its_core.engines.simulator.rendering.aftermath.leaks import Leaks
from its_core.engines.simulator.rendering.aftermath.spray import Spray
from its_core.engines.simulator.rendering.aftermath.tyre_marks import tyre_marks
from its_core.engines.simulator.rendering.compositor import Compositor
from its_core.engines.simulator.scenery.light_maps import Plans
from its_core.engines.simulator.trace import Trace


class Aftermath:
    """Of one clip. ``laid`` takes the frames in order, each once; those that are left out are caught up with."""

    def __init__(self, trace: Trace, camera: Camera, sky: Daylight, plans: Plans) -> None:
        self._fps = trace.fps
        self._marks = tyre_marks(trace, sky)
        self._debris = debris(trace)
        self._leaks = Leaks(trace, sky)
        self._clouds = Clouds(trace, self._leaks.found, camera, sky)
        self._spray = Spray(trace, camera, sky, wind(camera), plans)
        self._resting = np.zeros(len(self._debris.starts_s), np.bool_)
        self._next = 0

    def laid(self, frame: int, compositor: Compositor) -> None:
        """Changes the ground for good by what has come to rest until this frame. To be called before anything of the
        frame is drawn."""
        for number in range(self._next, frame + 1):
            strips, spots = self._marks[number], self._leaks.spots(number)
            now: NDArray[np.bool_] = (self._debris.rests_s <= number / self._fps) & ~self._resting
            pieces = self._debris.at(number / self._fps, np.flatnonzero(now))
            self._resting |= now
            if len(strips) or len(spots) or len(pieces):
                compositor.change_ground(strips, spots, pieces)
        self._next = max(self._next, frame + 1)

    def shown(self, frame: int, compositor: Compositor) -> None:
        """Adds what is in motion in this frame, once its bodies are drawn."""
        time_s = frame / self._fps
        flying = np.flatnonzero((self._debris.starts_s <= time_s) & ~self._resting)
        if len(flying):
            compositor.show_pieces(self._debris.at(time_s, flying))
        puffs = np.concatenate([self._spray.at(frame, compositor.veil_light), self._clouds.at(time_s)])
        if len(puffs):
            compositor.add_veils(puffs)
