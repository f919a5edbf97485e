"""Puts what moves onto the plate: shadows, lamps and the actors themselves, only where something changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.sensor import Look
from its_core.engines.simulator.optics.softening import REACH_PX
from its_core.engines.simulator.rendering.actor_layer import ActorLayer, Drawn
from its_core.engines.simulator.rendering.actors import Cast
from its_core.engines.simulator.rendering.background import Plate
from its_core.engines.simulator.rendering.composition import compose
from its_core.engines.simulator.rendering.ground_effects import (
    cast_shade,
    darken_under_all,
    flash_about,
    glow_about,
    glow_about_all,
    light_before_all,
    mirror_bodies,
    streak_all,
)
from its_core.engines.simulator.rendering.ground_paint import (
    lay_pieces,
    show_pieces,
    stain_spots,
    stain_strips,
)
from its_core.engines.simulator.rendering.ground_windows import View, ground_window
from its_core.engines.simulator.rendering.motion_blur import Smear, smear
from its_core.engines.simulator.rendering.veils import veil_about_all
from its_core.engines.simulator.rendering.windows import Window, bands, bounds_of, grown, window_of

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Frame = NDArray[np.uint8]

_NO_BEAMS: NDArray[np.float64] = np.zeros((0, 3))
_ACTORS_SNOW = 0.35  # of what lies on things that stand: driving blows it off
NOBODY = 255


@dataclass(frozen=True, slots=True)
class Sight:
    """N actors in one frame: pixels and samples that show, and the pixels' bounds (N×4: left, top, right, bottom,
    half-open; of use where pixels show). ``ids`` H×W: who shows at each pixel, ``NOBODY`` where none does."""

    pixels: NDArray[np.int64]
    samples: NDArray[np.int64]
    bounds: NDArray[np.int64]
    ids: Frame


class Compositor:
    """One clip's pictures. Between frames every buffer is back at rest; ``frame`` ends one and starts the next."""

    def __init__(self, plate: Plate, camera: Camera, look: Look, layer: ActorLayer) -> None:
        self._plate, self._camera, self._look, self._layer = plate, camera, look, layer
        self._shape = (camera.height_px, camera.width_px)
        self._rays: F32 = camera.pixel_rays()
        self._eye, self._view = np.array(camera.position_m), View.of(camera)
        self._tone = look.tone
        around = plate.shader.around
        self._around = around._replace(snow=_ACTORS_SNOW * around.snow, lamp=(0.0, 0.0, 0.0))
        self._optics, self._rise = plate.shader.optics, plate.shader.daylight.rise
        # What the ground shows and is made of; the clip's own once something has changed it.
        self._radiance, self._albedo = plate.radiance, plate.albedo
        self._stains: F32 | None = None
        self._still = look.exposed(plate.radiance)
        self._softening = look.softening
        self._still_soft = self._softening.applied(self._still)
        self._sharp, self._picture = self._still.copy(), self._still_soft.copy()
        self._dim = np.ones(self._shape, np.float32)
        self._lamps = np.zeros(self._shape, np.float32)
        self._glow = np.zeros((*self._shape, 3), np.float32)
        self._veil = np.zeros(self._shape, np.float32)
        self.veil_light = _veil_light(plate)  # of a thick cloud
        self._touched = np.zeros(self._shape, bool)
        self._ids = np.full(self._shape, NOBODY, np.uint8)
        # Where this frame changed each of these (K×4 each, as ``bands`` takes them), and who shows.
        self._dimmed: list[NDArray[np.int64]] = []
        self._lit: list[NDArray[np.int64]] = []
        self._glowing: list[NDArray[np.int64]] = []
        self._veiled: list[NDArray[np.int64]] = []
        self._peopled: list[NDArray[np.int64]] = []
        self._changed: Ints = np.zeros((0, 4), np.int32)

    def window(self, x1: float, y1: float, x2: float, y2: float) -> Window | None:
        return window_of((x1, y1, x2, y2), self._shape)

    def cast_shadows(self, shade: Ints, windows: list[Window]) -> None:
        """Takes the sun from the ground where the flattened actors lie (H×W triangles), within these windows."""
        wide = bounds_of([grown(window, 1, self._shape) for window in windows])
        cast_shade(bands(wide), shade, self._plate.sun_share, self._dim, self._touched)
        self._dimmed.append(wide)

    def darken(self, places: Floats, rotations: Floats, sizes: Floats) -> None:
        """Takes a share of all light from the ground under bodies and about them: ``darken_under_all``."""
        plate = self._plate
        self._dimmed.append(
            darken_under_all(
                places, rotations, sizes, self._eye, self._camera.rotation, self._view, plate.x, plate.y, self._dim,
                self._touched,
            )
        )  # fmt: skip

    def light_ground(self, beams: Floats) -> None:
        """Adds headlamps' light to the ground before them: ``light_before_all``."""
        plate = self._plate
        self._lit.append(
            light_before_all(
                beams, self._eye, self._camera.rotation, self._view, plate.x, plate.y, plate.ground_share, self._lamps,
                self._touched,
            )
        )  # fmt: skip

    @property
    def is_wet(self) -> bool:
        """Whether the ground mirrors."""
        return self._plate.sheen.shape == self._shape

    def mirror(self, seen: Ints, triangles: Ints, surfaces: Frame, windows: list[Window]) -> None:
        """Lets wet ground mirror bodies; ``seen`` H×W: the triangles of the bodies turned upside down."""
        light = 0.75 * np.array(self._around.overhead) + (0.12 if self._plate.shader.daylight.lit else 0.0)
        bounds = bounds_of(windows)
        mirror_bodies(
            bands(bounds), seen, triangles, surfaces, self._optics, light, self._plate.sheen, self._plate.mirror,
            self._layer.seen.triangle, self._glow, self._touched,
        )  # fmt: skip
        self._glowing.append(bounds)

    def add_mirrored_lamps(self, lamps: Floats) -> None:
        """The drawn-out mirror images of lamps on wet ground: ``streak_all``."""
        if self.is_wet:
            self._glowing.append(
                streak_all(
                    lamps, self._eye, self._camera.rotation, self._view, self._plate.sheen, self._layer.seen.triangle,
                    self._glow, self._touched,
                )
            )  # fmt: skip

    def add_glow(
        self, x: float, y: float, radius_px: float, rgb: tuple[float, float, float], reach: float = 3.0
    ) -> None:
        """A round glow about a point."""
        span = reach * radius_px + 1.0
        window = self.window(x - span, y - span, x + span, y + span)
        if window is None:
            return
        glow_about(_bounds(window), x, y, radius_px, np.array(rgb, np.float32), self._glow, self._touched)
        self._glowing.append(_bounds(window)[None])

    def add_glows(self, lamps: Floats) -> None:
        """The light about lamps: ``glow_about_all``."""
        self._glowing.append(glow_about_all(lamps, self._glow, self._touched))

    def add_veils(self, puffs: Floats) -> None:
        """Steam, smoke and spray before what shows: ``veil_about_all``."""
        self._veiled.append(veil_about_all(puffs, self._layer.seen.nearness, self._veil, self._glow, self._touched))

    def flash_ground(self, x_m: float, y_m: float, reach_m: float, rgb: Floats) -> None:
        """Adds a coloured lamp's light to the ground about it: ``flash_about``."""
        plate = self._plate
        around = np.array([(x_m + a * reach_m, y_m + b * reach_m) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
        bounds = ground_window(around, self._eye, self._camera.rotation, self._view)
        flash_about(
            bounds, plate.x, plate.y, x_m, y_m, reach_m, rgb, self._albedo, plate.ground_share,
            self._layer.seen.triangle, self._glow, self._touched,
        )  # fmt: skip
        self._glowing.append(bounds[None])

    def change_ground(self, strips: Floats, spots: Floats, pieces: Floats) -> None:
        """Changes the ground for the rest of the clip, between two frames; as ``ground_paint`` takes them."""
        plate = self._plate
        if self._stains is None:
            self._stains = np.zeros(self._shape, np.float32)
            self._radiance, self._albedo = plate.radiance.copy(), plate.albedo.copy()
        view = (self._eye, self._camera.rotation, self._view, plate.x, plate.y, plate.ground_share)
        changed = np.concatenate(
            [
                stain_strips(strips, *view, self._stains, self._radiance, self._albedo),
                stain_spots(spots, *view, self._stains, self._radiance, self._albedo),
                lay_pieces(pieces, *view, self._radiance, self._albedo),
            ]
        )
        windows = bands(changed)
        if not len(windows):
            return
        self._look.expose(self._radiance, windows, self._still)
        self._softening.apply(self._still, windows, self._still_soft)
        for top, low, left, right in windows.tolist():
            window = slice(top, low), slice(left, right)
            self._sharp[window] = self._still[window]
            seen = grown(window, REACH_PX, self._shape)
            self._picture[seen] = self._still_soft[seen]

    def show_pieces(self, pieces: Floats) -> None:
        """Pieces that lie or slide on the ground in this frame: ``ground_paint.show_pieces``."""
        plate = self._plate
        self._glowing.append(
            show_pieces(
                pieces, self._eye, self._camera.rotation, self._view, plate.x, plate.y, plate.ground_share,
                self._radiance, self._albedo, self._layer.seen.triangle, self._glow, self._touched,
            )
        )  # fmt: skip

    def frame(self, cast: Cast, drawn: Drawn, beams: Floats = _NO_BEAMS) -> tuple[Frame, Sight]:
        """The finished frame, but for noise and text, and who shows in it; both are overwritten by the next one.
        ``beams`` N×3: of each actor, where headlamps shine on it from, as long as they are strong; none by day."""
        self._peopled.append(bounds_of(drawn.windows))
        changes = (*self._dimmed, *self._lit, *self._glowing, *self._veiled, *self._peopled)
        windows = self._changed = bands(np.concatenate(changes))
        count = len(cast.starts) - 1
        pixels, samples = np.zeros((2, count), np.int64)
        bounds = np.zeros((count, 4), np.int64)
        bounds[:, :2] = 1 << 30
        plans = self._plate.plans
        compose(
            windows, self._touched, self._layer.seen.triangle, drawn.triangles, drawn.owner, drawn.placed,
            cast.normals, cast.surfaces, self._layer.lens.focal, self._layer.lens.centre_x, self._layer.lens.centre_y,
            self._rays, self._eye, self._layer.seen.nearness, self._radiance,
            self._plate.ground_share, self._albedo, self._dim, self._lamps, self._glow,
            self._veil, self.veil_light, plans.sun,
            np.array(plans.sun_rect), np.array(plans.sun_slope), self._around, self._optics, self._rise, self._tone,
            self._look.exposure, self._look.curve, self._sharp, self._ids, pixels, samples, bounds, plans.lamps,
            np.array(plans.rect), beams,
        )  # fmt: skip
        self._softening.apply(self._sharp, windows, self._picture)
        return self._picture, Sight(pixels, samples, bounds, self._ids)

    def smear(self, moving: list[Smear]) -> None:
        """Smears bodies of the frame that ``frame`` gave, before ``rest``."""
        for each in moving:
            smear(self._picture, self._still_soft, self._ids, self._layer.seen.nearness, each)
        self._changed = np.concatenate([self._changed, bands(bounds_of([each.window for each in moving]))])

    def rest(self) -> None:
        """Ends a frame: every buffer as it was before it."""
        self._clear(self._dimmed, (self._dim, 1.0), (self._touched, False))
        self._clear(self._lit, (self._lamps, 0.0), (self._touched, False))
        self._clear(self._glowing, (self._glow, 0.0), (self._touched, False))
        self._clear(self._veiled, (self._veil, 0.0), (self._glow, 0.0), (self._touched, False))
        self._clear(self._peopled, (self._ids, NOBODY))
        for top, low, left, right in self._changed.tolist():
            window = slice(top, low), slice(left, right)
            self._sharp[window] = self._still[window]
            seen = grown(window, REACH_PX, self._shape)
            self._picture[seen] = self._still_soft[seen]

    def _clear(self, changes: list[NDArray[np.int64]], *buffers: tuple[NDArray[Any], float]) -> None:
        if changes:
            for top, low, left, right in bands(np.concatenate(changes)).tolist():
                for buffer, value in buffers:
                    buffer[top:low, left:right] = value
        changes.clear()


def _veil_light(plate: Plate) -> Floats:
    """What a thick cloud of droplets sends to the camera: grey-white."""
    sky = plate.shader.daylight
    lit: Floats = 0.62 * sky.overhead + 0.16 * np.array(sky.sun_rgb) + (0.05 if sky.lit else 0.0)
    return lit


def _bounds(window: Window) -> NDArray[np.int64]:
    return np.array([window[0].start, window[0].stop, window[1].start, window[1].stop])
