"""Puts what moves onto the plate: shadows, lamps and the actors themselves, only where something changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.sensor import Look
from its_core.engines.simulator.rendering.background import FINE, Plate

F32 = NDArray[np.float32]
Frame = NDArray[np.uint8]
Window = tuple[slice, slice]

_BRIGHTEST = 3.0  # of a sample, as in the plate
_SOFTEN_MARGIN_PX = 8
_FAINTEST = 0.05  # lamp light on white ground that can be told from none


class Compositor:
    """One clip's pictures. Between frames every buffer is back at rest; ``frame`` ends one and starts the next."""

    def __init__(self, plate: Plate, camera: Camera, look: Look) -> None:
        self._plate, self._camera, self._look = plate, camera, look
        self._shape = (camera.height_px, camera.width_px)
        rows, columns = np.mgrid[0 : camera.height_px, 0 : camera.width_px].astype(np.float32)
        rays = camera.rays(columns + np.float32(0.5), rows + np.float32(0.5))
        self._rays: F32 = rays / np.sqrt(np.einsum("ijk,ijk->ij", rays, rays))[..., None]
        self._still = look.exposed(plate.radiance.reshape(-1, 3)).reshape(*self._shape, 3)
        self._still_soft = look.softened(self._still)
        self._dim = np.ones(self._shape, np.float32)
        self._lamps = np.zeros(self._shape, np.float32)
        self._glow = np.zeros((*self._shape, 3), np.float32)
        self._touched = np.zeros(self._shape, bool)
        self._acted = np.zeros(self._shape, bool)  # touched by actors themselves
        self._glowing = False
        self._windows: list[Window] = []

    def window(self, x1: float, y1: float, x2: float, y2: float) -> Window | None:
        """The part of the frame that a box covers; None when they do not meet."""
        left, right = max(0, int(np.floor(x1))), min(self._shape[1], int(np.ceil(x2)))
        top, low = max(0, int(np.floor(y1))), min(self._shape[0], int(np.ceil(y2)))
        return (slice(top, low), slice(left, right)) if left < right and top < low else None

    def ground(self, window: Window) -> tuple[F32, F32]:
        """Where the window's pixels meet the ground: x and y in metres."""
        return self._plate.x[window], self._plate.y[window]

    def cast_shadows(self, drawn: Frame, windows: list[Window]) -> None:
        """Takes the sun from the ground where the flattened actors lie (``drawn`` H×W: 255 there, else 0), within
        these windows."""
        for top, low, left, right in _merged([_grown(window, 2, self._shape) for window in windows]):
            window = (slice(top, low), slice(left, right))
            soft = Image.fromarray(np.ascontiguousarray(drawn[window])).filter(ImageFilter.BoxBlur(1))
            shade = np.asarray(soft) * np.float32(1.0 / 255.0)
            self._dim[window] *= 1.0 - shade * self._plate.sun_share[window]
            self._touch(window, shade > 0)

    def darken(self, window: Window, amount: F32) -> None:
        """Takes a share of all light from the ground (contact shadows)."""
        amount = np.where(amount > 0.004, amount, np.float32(0.0))
        self._dim[window] *= 1.0 - amount
        self._touch(window, amount > 0)

    def light_ground(self, window: Window, light: F32) -> None:
        """Adds lamp light (radiance of white ground)."""
        light = np.maximum(light - _FAINTEST, 0.0) * (self._plate.ground_share[window] > 0)
        self._lamps[window] += light
        self._touch(window, light > 0.0)

    def add_glow(
        self, x: float, y: float, radius_px: float, rgb: tuple[float, float, float], reach: float = 3.0
    ) -> None:
        """A round glow about a point."""
        span = reach * radius_px + 1.0
        window = self.window(x - span, y - span, x + span, y + span)
        if window is None:
            return
        rows = np.arange(window[0].start, window[0].stop, dtype=np.float32)[:, None] + np.float32(0.5 - y)
        columns = np.arange(window[1].start, window[1].stop, dtype=np.float32)[None, :] + np.float32(0.5 - x)
        fall = np.exp(-(rows**2 + columns**2) / np.float32(2.0 * radius_px**2))
        self._glowing = True
        fall = np.where(fall > 0.003, fall, np.float32(0.0))
        self._glow[window] += fall[..., None] * np.array(rgb, np.float32)
        self._touch(window, fall > 0)

    def _touch(self, window: Window, where: NDArray[np.bool_], mask: NDArray[np.bool_] | None = None) -> None:
        rows, columns = np.flatnonzero(where.any(axis=1)), np.flatnonzero(where.any(axis=0))
        if not len(rows):
            return
        (self._touched if mask is None else mask)[window] |= where
        top, left = window[0].start, window[1].start
        changed = (
            slice(top + int(rows[0]), top + int(rows[-1]) + 1),
            slice(left + int(columns[0]), left + int(columns[-1]) + 1),
        )
        self._windows.append(changed)

    def frame(self, fine: Frame | None, windows: list[Window]) -> Frame:
        """The finished frame, but for noise and text. ``fine`` are the actors' samples (shading.packed), ``windows``
        the parts of the frame that hold any."""
        if fine is not None:
            for window in windows:
                self._touch(window, _any_sample(fine, window), self._acted)
        sharp = self._still.copy()
        for where in (self._touched & ~self._acted, self._acted):
            pixels = np.flatnonzero(where)
            light = self._background(pixels)
            if fine is not None and where is self._acted:
                self._put_actors(fine, pixels, light)
            if self._glowing:
                light += np.take(self._glow.reshape(-1, 3), pixels, axis=0)
            sharp.reshape(-1, 3)[pixels] = self._look.exposed(light, pixels)
        picture = self._softened(sharp)
        self._rest()
        return picture

    def _background(self, pixels: NDArray[np.int64]) -> F32:
        plate = self._plate
        share = np.take(plate.ground_share, pixels)
        dim = 1.0 - share * (1.0 - np.take(self._dim, pixels))
        light = np.take(plate.radiance.reshape(-1, 3), pixels, axis=0)
        light *= dim[:, None]
        lamps = np.take(self._lamps, pixels)
        lit = np.flatnonzero(lamps)
        if len(lit):
            colour = np.array([1.0, 0.94, 0.82], np.float32)
            albedo = np.take(plate.albedo.reshape(-1, 3), pixels[lit], axis=0)
            light[lit] += albedo * ((lamps * share)[lit, None] * colour)
        return light

    def _put_actors(self, fine: Frame, pixels: NDArray[np.int64], light: F32) -> None:
        """Blends the actors' samples over the background, in place. Where all of a pixel's samples show one surface,
        their mean is lit; elsewhere each is."""
        rows, columns = np.divmod(pixels, self._shape[1])
        rays = np.take(self._rays.reshape(-1, 3), pixels, axis=0)
        words = fine.view(np.uint32)[..., 0]
        found = np.stack(
            [words[FINE * rows + down, FINE * columns + right] for down in range(FINE) for right in range(FINE)], axis=1
        )
        surface = found >> np.uint32(24)
        uniform = (surface[:, 0] > 0) & (surface == surface[:, :1]).all(axis=1)
        inner, edge = np.flatnonzero(uniform), np.flatnonzero(~uniform)
        if len(inner):
            samples = found[inner].view(np.uint8).reshape(-1, FINE**2, 4)
            mean = (samples.sum(axis=1, dtype=np.uint16) // FINE**2).astype(np.uint8)
            light[inner] = np.minimum(self._plate.shader.radiance(mean, np.take(rays, inner, axis=0)), _BRIGHTEST)
        seen = np.zeros((len(edge), 3), np.float32)
        hits = np.zeros(len(edge), np.float32)
        for sample in range(FINE**2):
            word = found[edge, sample]
            hit = np.flatnonzero(word)
            samples = word[hit].view(np.uint8).reshape(-1, 4)
            radiance = self._plate.shader.radiance(samples, np.take(rays, edge[hit], axis=0))
            seen[hit] += np.minimum(radiance, _BRIGHTEST)
            hits[hit] += 1.0
        share = np.float32(1.0 / FINE**2)
        light[edge] = light[edge] * (1.0 - share * hits)[:, None] + share * seen

    def _softened(self, sharp: Frame) -> Frame:
        """The soft plate with the changed parts softened anew."""
        picture = self._still_soft.copy()
        for top, low, left, right in _merged(self._windows):
            m = _SOFTEN_MARGIN_PX
            above, before = max(0, top - 2 * m), max(0, left - 2 * m)
            wide = sharp[above : low + 2 * m, before : right + 2 * m]
            soft = self._look.softened(np.ascontiguousarray(wide))
            top, left = max(0, top - m), max(0, left - m)
            low, right = min(self._shape[0], low + m), min(self._shape[1], right + m)
            picture[top:low, left:right] = soft[top - above : low - above, left - before : right - before]
        return picture

    def _rest(self) -> None:
        for window in self._windows:
            self._dim[window] = 1.0
            self._lamps[window] = 0.0
            self._touched[window] = self._acted[window] = False
            if self._glowing:
                self._glow[window] = 0.0
        self._glowing = False
        self._windows.clear()


def _any_sample(fine: Frame, window: Window) -> NDArray[np.bool_]:
    rows, columns = window
    part = fine.view(np.uint32)[FINE * rows.start : FINE * rows.stop, FINE * columns.start : FINE * columns.stop, 0]
    found = part[0::2, 0::2] | part[0::2, 1::2] | part[1::2, 0::2] | part[1::2, 1::2]
    anything: NDArray[np.bool_] = found != 0
    return anything


def _grown(window: Window, by_px: int, shape: tuple[int, int]) -> Window:
    rows, columns = window
    return (
        slice(max(0, rows.start - by_px), min(shape[0], rows.stop + by_px)),
        slice(max(0, columns.start - by_px), min(shape[1], columns.stop + by_px)),
    )


def _merged(windows: list[Window]) -> list[tuple[int, int, int, int]]:
    """Windows as (top, low, left, right), joined where they touch."""
    boxes = [(w[0].start, w[0].stop, w[1].start, w[1].stop) for w in windows]
    joined = True
    while joined:
        joined = False
        kept: list[tuple[int, int, int, int]] = []
        for box in boxes:
            for number, other in enumerate(kept):
                if box[0] < other[1] and other[0] < box[1] and box[2] < other[3] and other[2] < box[3]:
                    kept[number] = (
                        min(box[0], other[0]), max(box[1], other[1]), min(box[2], other[2]), max(box[3], other[3])
                    )  # fmt: skip
                    joined = True
                    break
            else:
                kept.append(box)
        boxes = kept
    return boxes
