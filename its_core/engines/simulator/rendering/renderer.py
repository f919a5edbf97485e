"""From a place, a trace and a camera to frames, each with the exact truth about who shows where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from its_core.annotations import Box
from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight, daylight
from its_core.engines.simulator.optics.osd import Overlay
from its_core.engines.simulator.optics.raster import Raster, Soup
from its_core.engines.simulator.optics.sensor import Look
from its_core.engines.simulator.optics.shading import packed
from its_core.engines.simulator.rendering.actors import Body, CarActor, Cast, bodies, cast
from its_core.engines.simulator.rendering.background import FINE, Plate, plate
from its_core.engines.simulator.rendering.compositor import Compositor, Window
from its_core.engines.simulator.rendering.lights import Signals, head_lights
from its_core.engines.simulator.rendering.occluders import Numbers, Occluders, occluders
from its_core.engines.simulator.rendering.visibility import Outlines, Witness, beside, outlines
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.scenery.build import Scenery, scenery
from its_core.engines.simulator.scenery.light_maps import flattened
from its_core.engines.simulator.trace import Trace
from its_core.taxonomy import Light, Weather

Frame = NDArray[np.uint8]

_SHADOW_LIFT_M = 0.01
_CONTACT_M = 0.55  # how far the dark under a car reaches out


@dataclass(frozen=True, slots=True)
class RenderedFrame:
    """``image`` H×W×3 RGB. Of the N actors of the trace: pixels that show, pixels that would show with nothing else
    about, boxes as in ``annotations.TrackFrame``, hidden shares 0 to 1."""

    image: Frame
    visible: NDArray[np.int64]
    full: NDArray[np.int64]
    visible_box: list[Box | None]
    amodal_box: list[Box | None]
    occlusion: list[float]


class Renderer:
    """One a process, for many clips one after another."""

    def __init__(self) -> None:
        self._raster = Raster()

    def frames(
        self, layout: Layout, trace: Trace, camera: Camera, light: Light, weather: Weather, seed: int
    ) -> Iterator[RenderedFrame]:
        """All frames of a trace in order. ``seed`` draws noise and the clock's time; everything else follows from the
        camera's id. Raises ValueError for a light, weather or actor that has no picture yet, before the first frame."""
        sky = daylight(light, weather, camera.camera_id)
        found = bodies(trace, sky.lit)
        scene = scenery(layout, sky, camera.position_m, camera.camera_id)
        return _Clip(self._raster, layout, trace, camera, sky, scene, found, seed).frames()

    def close(self) -> None:
        self._raster.close()


class _Clip:
    """One clip on its way."""

    def __init__(
        self,
        raster: Raster,
        layout: Layout,
        trace: Trace,
        camera: Camera,
        sky: Daylight,
        scene: Scenery,
        found: list[Body],
        seed: int,
    ) -> None:
        size = (camera.width_px, camera.height_px)
        self._raster, self._trace, self._camera, self._sky, self._bodies = raster, trace, camera, sky, found
        self._plate: Plate = plate(raster, camera, layout, scene, sky)
        self._standing: Occluders = occluders(raster, camera, scene)
        self._look = Look(camera.camera_id, sky, *size, seed)
        self._overlay = Overlay(camera.camera_id, sky.lit, *size, seed)
        self._compositor = Compositor(self._plate, camera, self._look)
        self._witness = Witness(raster, camera, self._standing)
        self._signals = Signals(layout, camera, self._standing.surfaces, sky.lit)

    def frames(self) -> Iterator[RenderedFrame]:
        for frame in range(len(self._trace.positions)):
            yield self._frame(frame)

    def _frame(self, frame: int) -> RenderedFrame:
        actors = cast(self._bodies, frame)
        extents = outlines(self._camera, actors)
        before = {
            number: self._standing.before(extents.boxes[number], float(extents.far_m[number]))
            for number in extents.in_frame(self._camera)
        }
        sight = self._witness.look(actors, extents, before, self._poses(frame))
        self._shadows(actors)
        self._contacts(frame)
        fine = self._draw(actors, before) if before else None
        windows = [window for number in before if (window := self._window(extents, number)) is not None]
        if self._sky.lit and fine is not None:
            cars = [body for body in self._bodies if isinstance(body, CarActor)]
            head_lights(cars, frame, self._camera, self._compositor, fine)
        if len(self._trace.signals):
            self._signals.shine(self._trace.signals[frame], self._compositor, fine)
        picture = self._look.noisy(self._compositor.frame(fine, windows))
        self._overlay.written(picture, frame / self._trace.fps)
        return RenderedFrame(picture, sight.visible, sight.full, sight.visible_box, sight.amodal_box, sight.occlusion)

    def _poses(self, frame: int) -> list[bytes]:
        """What tells one actor's outline in this frame from the same actor's in another."""
        trace = self._trace
        kept = []
        for number in range(len(trace.actors)):
            dents = sum(dent.frame <= frame and dent.track_id == trace.actors[number].track_id for dent in trace.dents)
            parts = [
                trace.positions,
                trace.rotations,
                trace.steer,
                trace.spin,
                trace.suspension,
                trace.stride,
                trace.startle,
            ]
            kept.append(b"".join(part[frame, number].tobytes() for part in parts) + bytes([dents % 256]))
        return kept

    def _window(self, extents: Outlines, number: int) -> Window | None:
        box = extents.boxes[number]
        if np.isnan(box[0]):
            return self._compositor.window(0, 0, self._camera.width_px, self._camera.height_px)
        return self._compositor.window(*(float(value) for value in box))

    def _draw(self, actors: Cast, before: dict[int, Numbers]) -> Frame:
        """The actors' samples; what stands before them is left out of them."""
        sunlit = np.ones(len(actors.vertices), np.float32)
        if self._sky.casts_shadows:
            sunlit = self._plate.plans.sunlit(actors.vertices)
        rgba = packed(actors.normals, sunlit, actors.surfaces)
        things = self._standing.soup(frozenset().union(*before.values()))
        soup = beside(Soup(actors.vertices, rgba, actors.chosen(list(before))), things)
        return self._raster.view(self._camera, soup, FINE)

    def _shadows(self, actors: Cast) -> None:
        if not self._sky.casts_shadows or not len(actors.vertices):
            return
        flat = flattened(actors.vertices, self._plate.plans.sun_slope, _SHADOW_LIFT_M)
        around = outlines(self._camera, Cast(flat, actors.normals, actors.surfaces, actors.triangles, actors.starts))
        shown = around.in_frame(self._camera)
        if not shown:
            return
        ink = np.full((len(flat), 4), 255, np.uint8)
        drawn = self._raster.view(self._camera, Soup(flat, ink, actors.chosen(shown)), 1)[..., 0]
        windows = [window for number in shown if (window := self._window(around, number)) is not None]
        self._compositor.cast_shadows(drawn, windows)

    def _contacts(self, frame: int) -> None:
        """The dark under cars and about feet."""
        for number, body in enumerate(self._bodies):
            x, y, z = (float(value) for value in self._trace.positions[frame, number])
            if z > 0.5:
                continue
            half = (0.22, 0.22)
            reach, depth = 0.30, 0.45
            if isinstance(body, CarActor):
                size = VEHICLES[body.actor.type]
                half, reach, depth = (size.width_m / 2 - 0.12, size.length_m / 2 - 0.15), _CONTACT_M, 0.80
            self._contact(frame, number, (x, y), half, reach, depth)

    def _contact(
        self, frame: int, number: int, at: tuple[float, float], half: tuple[float, float], reach: float, depth: float
    ) -> None:
        w, i, j, k = (float(value) for value in self._trace.rotations[frame, number])
        forward = np.array([2 * (i * j - w * k), 1 - 2 * (i * i + k * k)])
        forward /= max(float(np.linalg.norm(forward)), 1e-6)
        aside = np.array([forward[1], -forward[0]])
        corners = np.array(
            [
                np.array(at) + a * (half[0] + reach) * aside + b * (half[1] + reach) * forward
                for a in (-1, 1)
                for b in (-1, 1)
            ]
        )
        seen = self._camera.project(np.column_stack([corners, np.zeros(4)]))
        if (seen[:, 2] < 0.5).any():
            return
        window = self._compositor.window(*seen[:, :2].min(axis=0), *seen[:, :2].max(axis=0))
        if window is None:
            return
        x, y = self._compositor.ground(window)
        dx, dy = x - np.float32(at[0]), y - np.float32(at[1])
        across = np.abs(dx * np.float32(aside[0]) + dy * np.float32(aside[1])) - np.float32(half[0])
        along = np.abs(dx * np.float32(forward[0]) + dy * np.float32(forward[1])) - np.float32(half[1])
        outside = np.hypot(np.maximum(across, 0), np.maximum(along, 0)) + np.minimum(np.maximum(across, along), 0) * 0.4
        near = np.clip(1.0 - (outside + 0.35) / np.float32(reach + 0.35), 0.0, 1.0)
        self._compositor.darken(window, (np.float32(depth) * near * (2.0 - near)).astype(np.float32))
