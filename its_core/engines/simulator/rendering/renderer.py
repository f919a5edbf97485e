"""From a place, a trace and a camera to frames, each with the exact truth about who shows where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from its_core.annotations import Box
from its_core.engines.simulator.dimensions import VEHICLES
from its_core.engines.simulator.freed_memory import hand_back
from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.daylight import Daylight, daylight, under_roof
from its_core.engines.simulator.optics.osd import Overlay
from its_core.engines.simulator.optics.precipitation import Precipitation
from its_core.engines.simulator.optics.quality import Recorder
from its_core.engines.simulator.optics.raster import NOTHING, Coverage, Lens, draw
from its_core.engines.simulator.optics.sensor import Look, metered
from its_core.engines.simulator.optics.vibration import margin_px
from its_core.engines.simulator.rendering.actor_layer import ActorLayer, Drawn, Outlines, outlines
from its_core.engines.simulator.rendering.actors import Body, Cast, PersonActor, PostActor, bodies, cast, vehicles_of
from its_core.engines.simulator.rendering.aftermath.traces import Aftermath
from its_core.engines.simulator.rendering.background import plate
from its_core.engines.simulator.rendering.compositor import Compositor, Sight
from its_core.engines.simulator.rendering.detail import details
from its_core.engines.simulator.rendering.lamps.signals import Signals
from its_core.engines.simulator.rendering.lamps.vehicles import VehicleLamps
from its_core.engines.simulator.rendering.layers import LayerMaker, Layers
from its_core.engines.simulator.rendering.motion_blur import MotionBlur
from its_core.engines.simulator.rendering.posts import StruckPost, struck_posts
from its_core.engines.simulator.rendering.shaking import Cutting, widened
from its_core.engines.simulator.roads.layouts import Layout, Point
from its_core.engines.simulator.scenery.build import scenery
from its_core.engines.simulator.scenery.light_maps import flattened
from its_core.engines.simulator.trace import Trace
from its_core.taxonomy import Light, RoadSurface, Weather

Frame = NDArray[np.uint8]
Floats = NDArray[np.float64]

_SHADOW_LIFT_M = 0.01
_CONTACT_M = 0.55  # how far the dark under a car reaches out


@dataclass(frozen=True, slots=True)
class RenderedFrame:
    """``image`` H×W×3 RGB. Of the N actors of the trace: samples that show (four a pixel), samples that would show with
    nothing else about, boxes as in ``annotations.TrackFrame``, hidden shares 0 to 1."""

    image: Frame
    visible: NDArray[np.int64]
    full: NDArray[np.int64]
    visible_box: list[Box | None]
    amodal_box: list[Box | None]
    occlusion: list[float]
    layers: Layers


class Renderer:
    """One a process, for many clips one after another. The last clip's still view is kept: clips of one camera under
    one sky share it."""

    def __init__(self) -> None:
        self._still: Still | None = None

    def frames(
        self,
        layout: Layout,
        trace: Trace,
        camera: Camera,
        light: Light,
        weather: Weather,
        seed: int,
        surface: RoadSurface = RoadSurface.DRY,
        quality: float = 0.55,
        layers: frozenset[str] = frozenset(),
        shifts_px: Floats | None = None,
    ) -> Iterator[RenderedFrame]:
        """All frames of a trace in order. ``seed`` draws noise and the clock's time; everything else follows from the
        camera's id. ``quality`` of the picture, as ``quality_of`` gives it; ``layers``: which maps of ``Layers`` come
        with each frame; ``shifts_px`` F×2: how a shaking camera's pictures lie, as ``vibration.shifts_px`` gives it.
        Raises ValueError for an actor that has no picture yet, before the first frame."""
        sky = daylight(light, weather, camera.camera_id, surface)
        if layout.tube is not None:
            sky = under_roof(sky, layout.tube.warm)
        found = bodies(trace, sky.lit, details(trace, camera))
        cutting = None if shifts_px is None else Cutting(camera, margin_px(camera), shifts_px)
        seen = camera if shifts_px is None else widened(camera, margin_px(camera))
        if self._still is None or not self._still.shows(layout, seen, sky):
            self._still = None  # frees the old one first
            self._still = Still(layout, seen, sky)
        clip = ClipRenderer(self._still, trace, found, seed, quality, layers, camera, cutting)
        posts = struck_posts(trace, layout)
        return self._until_posts_fall(clip, posts, len(trace.positions)) if posts else clip.frames()

    def _until_posts_fall(self, clip: ClipRenderer, posts: list[StruckPost], frames: int) -> Iterator[RenderedFrame]:
        """Until a post is struck the clip's pictures are those of any other of its camera; from then on it is no part
        of the still view. Each goes dark at its own blow."""
        layout, camera, sky = clip.still.layout, clip.still.camera, clip.still.sky
        blows = {post.frame for post in posts}
        for frame in range(frames):
            if frame in blows:
                self._still = None  # frees the old one first: two of them at a time would be too much memory
                clip.leave_view()
                struck = [post for post in posts if post.frame <= frame]
                clip.take_view(Still(layout, camera, sky, frozenset(post.foot for post in struck)), struck)
            yield clip.frame(frame)


class Still:
    """A camera's view of a place under one sky, with nothing that moves; ``fallen``: without the street lamps on these
    feet."""

    def __init__(self, layout: Layout, camera: Camera, sky: Daylight, fallen: frozenset[Point] = frozenset()) -> None:
        self.layout, self.camera, self.sky = layout, camera, sky
        scene = scenery(layout, sky, camera.position_m, camera.camera_id, fallen)
        self.plate = plate(camera, layout, scene, sky)
        self.exposure = metered(self.plate.radiance, self.plate.ground_share, sky)
        hand_back()  # painting takes many arrays that are freed again

    def shows(self, layout: Layout, camera: Camera, sky: Daylight) -> bool:
        return camera.same_view(self.camera) and sky == self.sky and layout == self.layout


class ClipRenderer:
    """One clip on its way."""

    def __init__(
        self, still: Still, trace: Trace, found: list[Body], seed: int, quality: float, layers: frozenset[str],
        shown: Camera, cutting: Cutting | None,
    ) -> None:  # fmt: skip
        """``shown``: the camera of the clip; ``still`` has a wider one where its pictures are cut out of wider ones."""
        camera, sky = still.camera, still.sky
        wide, size = (camera.width_px, camera.height_px), (shown.width_px, shown.height_px)
        self._cutting = cutting
        self._trace, self._camera, self._sky, self._bodies = trace, camera, sky, found
        self._look = Look(camera.camera_id, replace(sky, exposure=still.exposure), *wide, seed, quality)
        self._recorder = Recorder(camera.camera_id, quality)
        self._fall = Precipitation(camera.camera_id, sky, *size, seed)
        self._overlay = Overlay(camera.camera_id, sky, *size, seed, still.layout.pavement_m > 0.0)
        self._lamps = VehicleLamps(vehicles_of(found), trace, camera, sky.lit, self._look.level)
        self._motion_blur = MotionBlur(trace, camera, sky)
        self._contacts = np.array([_contact(body) for body in found]).reshape(-1, 4)
        self._shade = Coverage.empty(*wide)
        self._asked = layers
        self.take_view(still, [])

    def take_view(self, still: Still, posts: list[StruckPost]) -> None:
        """From the next frame on before this still view, with these posts as bodies."""
        camera = self._camera
        self.still, self._plate = still, still.plate
        self._posts = [PostActor(self._trace, post) for post in posts]
        self._layer = ActorLayer(camera, self._plate.standing)
        self._compositor = Compositor(self._plate, camera, self._look, self._layer)
        self._signals = Signals(still.layout, camera, self._plate.standing.surface, self._sky.lit, self._look.level)
        self._aftermath = Aftermath(self._trace, camera, self._sky, self._plate.plans)
        self._cast: Cast | None = None
        asked = self._asked
        self._layers = LayerMaker(asked, camera, still.layout, self._plate, self._layer) if asked else None

    def leave_view(self) -> None:
        """Frees the still view; another has to be taken before the next frame."""
        del self.still, self._plate, self._layer, self._compositor, self._signals, self._layers

    def frames(self) -> Iterator[RenderedFrame]:
        for frame in range(len(self._trace.positions)):
            yield self.frame(frame)

    def frame(self, frame: int) -> RenderedFrame:
        self._aftermath.laid(frame, self._compositor)
        shown = [*self._bodies, *self._posts]
        actors = self._cast = cast(shown, frame, self._cast)
        placed = self._camera.placed(actors.vertices)
        extents = outlines(self._camera, actors, placed)
        published = None if self._cutting is None else self._cutting.window(frame)
        drawn = self._layer.draw(actors, placed, extents, published)
        self._shadows(actors)
        self._compositor.darken(self._trace.positions[frame], self._trace.rotations[frame], self._contacts)
        self._mirror(actors)
        self._aftermath.shown(frame, self._compositor)
        beams = self._lamps.shine(frame, self._compositor, self._layer)
        if len(self._trace.signals):
            self._signals.shine(self._trace.signals[frame], self._compositor, self._layer.seen.triangle)
        if self._posts and len(beams):
            beams = np.concatenate([beams, np.zeros((len(self._posts), 3))])
        picture, sight = self._compositor.frame(actors, drawn, beams)
        if published is not None:
            sight = replace(sight, samples=self._layer.samples_in(published, drawn, sight.samples))
        moving = self._motion_blur.smears(frame, drawn, extents)
        if moving:
            self._compositor.smear(moving)
        layers = Layers()
        if self._layers is not None:
            later = "flow" in self._asked and frame + 1 < len(self._trace.positions)
            following = cast(shown, frame + 1, actors).in_order_of(actors) if later else None
            layers = self._layers.made(drawn, sight, following, len(self._bodies))
        if self._cutting is not None:
            picture, layers = self._cutting.picture(picture, frame), self._cutting.layers(layers, frame)
        picture = self._look.noisy(picture)
        self._fall.fallen(picture)
        self._overlay.written(picture, frame / self._trace.fps)
        picture = self._recorder.played(picture)
        cut = None if self._cutting is None else (self._cutting, frame)
        truth = _truth(picture, drawn, sight, extents, layers, len(self._bodies), cut)
        self._compositor.rest()
        return truth

    def _shadows(self, actors: Cast) -> None:
        if not self._sky.casts_shadows or not len(actors.vertices):
            return
        flat = flattened(actors.vertices, self._plate.plans.sun_slope, _SHADOW_LIFT_M)
        placed = self._camera.placed(flat)
        around = outlines(self._camera, actors, placed)
        shown = around.in_frame(self._camera)
        windows = []
        draw(placed, actors.chosen(shown), Lens.of(self._camera, 1), self._shade)
        for number in shown:
            box = around.boxes[number]
            whole = (0, 0, self._camera.width_px, self._camera.height_px)
            window = self._compositor.window(*(whole if np.isnan(box[0]) else (float(value) for value in box)))
            if window is not None:
                windows.append(window)
        if windows:
            self._compositor.cast_shadows(self._shade.triangle, windows)
        for window in windows:
            self._shade.triangle[window], self._shade.nearness[window] = NOTHING, 0.0

    def _mirror(self, actors: Cast) -> None:
        """Wet ground shows the actors upside down."""
        if not self._compositor.is_wet or not len(actors.vertices):
            return
        placed = self._camera.placed(actors.vertices * np.array([1.0, 1.0, -1.0], np.float32))
        around = outlines(self._camera, actors, placed)
        shown = [number for number in around.in_frame(self._camera) if not np.isnan(around.boxes[number, 0])]
        triangles = actors.chosen(shown)
        draw(placed, triangles, Lens.of(self._camera, 1), self._shade)
        boxes = [self._compositor.window(*(float(value) for value in around.boxes[number])) for number in shown]
        windows = [window for window in boxes if window is not None]
        self._compositor.mirror(self._shade.triangle, triangles, actors.surfaces, windows)
        for window in windows:
            self._shade.triangle[window], self._shade.nearness[window] = NOTHING, 0.0


def _contact(body: Body) -> tuple[float, float, float, float]:
    """The dark under a car or about feet, as ``Compositor.darken`` takes it."""
    if isinstance(body, PersonActor):
        return 0.22, 0.22, 0.30, 0.45
    size = VEHICLES[body.actor.type]
    return size.width_m / 2 - 0.12, size.length_m / 2 - 0.15, _CONTACT_M, 0.80


def _truth(
    picture: Frame, drawn: Drawn, sight: Sight, extents: Outlines, layers: Layers, actors: int,
    cut: tuple[Cutting, int] | None,
) -> RenderedFrame:  # fmt: skip
    """Of the actors alone, which come before whatever else moves."""
    samples, boxes = sight.samples[:actors], extents.boxes[:actors]
    full = np.maximum(drawn.full[:actors], samples)
    visible: list[Box | None] = [
        (float(x1), float(y1), float(x2), float(y2)) if pixels else None
        for pixels, (x1, y1, x2, y2) in zip(sight.pixels[:actors].tolist(), sight.bounds[:actors].tolist(), strict=True)
    ]
    amodal: list[Box | None] = [
        None if np.isnan(box[0]) else (float(box[0]), float(box[1]), float(box[2]), float(box[3])) for box in boxes
    ]
    if cut is not None:
        cutting, frame = cut
        visible, amodal = cutting.visible(sight.ids, visible, frame), cutting.amodal(amodal, frame)
    hidden = [1.0 - v / f if f > 0 else 0.0 for v, f in zip(samples.tolist(), full.tolist(), strict=True)]
    return RenderedFrame(picture, samples, full, visible, amodal, hidden, layers)
