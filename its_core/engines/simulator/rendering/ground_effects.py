"""What moving bodies and lamps do to the light of the ground: shadows, the dark under bodies, the pools of headlamps,
mirror images and glows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.optics.lens import bent
from its_core.engines.simulator.portable_math import exp_scalar
from its_core.engines.simulator.rendering.ground_windows import Bounds, View, ground_window
from its_core.engines.simulator.rendering.standing import FINE

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]

BEAM_M = 25.0  # how far dipped beams reach
BEAM_LIGHT = 0.9  # of white ground where a beam is strongest, before it fades
_BEAM_FADES_M = 9.0
_BEAM_SLANT = 2.2  # square of the slant at which a beam has ended
_FAINTEST_AT = 4.6
_MIRRORED_LAMP = 2.2
_FAINTEST_AT_ALL = 4.61  # a bit beyond what is still drawn


@inline
def _is_empty(window: Bounds) -> bool:
    return bool(window[0] >= window[1] or window[2] >= window[3])


@kernel
def darken_under_all(
    places: Floats, rotations: Floats, sizes: Floats, eye: Floats, rotation: Floats, view: View, x: F32, y: F32,
    dim: F32, touched: Mask,
) -> NDArray[np.int64]:  # fmt: skip
    """Takes light from the ground under N bodies (places N×3, quaternions N×4) and, fading, about them. ``sizes`` N×4:
    half width and length (m), how far the dark reaches out (m), how deep it is (0 to 1). Returns the windows in which
    it did, N×4, empty ones for bodies in the air or out of the frame."""
    windows = np.zeros((len(places), 4), np.int64)
    under, corners = np.empty(8), np.empty((4, 2))
    for number in range(len(places)):
        if places[number, 2] > 0.5:
            continue
        w, i, j, k = rotations[number]
        ahead_x, ahead_y = 2 * (i * j - w * k), 1 - 2 * (i * i + k * k)
        length = max(np.sqrt(ahead_x * ahead_x + ahead_y * ahead_y), 1e-6)
        ahead_x, ahead_y = ahead_x / length, ahead_y / length
        half_width, half_length, reach, depth = sizes[number]
        across, along = half_width + reach, half_length + reach
        for corner in range(4):
            a, b = (-1, 1, 1, -1)[corner], (-1, -1, 1, 1)[corner]
            corners[corner, 0] = places[number, 0] + a * across * ahead_y + b * along * ahead_x
            corners[corner, 1] = places[number, 1] - a * across * ahead_x + b * along * ahead_y
        window = ground_window(corners, eye, rotation, view)
        if _is_empty(window):
            continue
        under[0], under[1], under[2], under[3] = places[number, 0], places[number, 1], ahead_x, ahead_y
        under[4], under[5], under[6], under[7] = half_width, half_length, reach, depth
        _darken_under(window, x, y, under, dim, touched)
        windows[number] = window
    return windows


@kernel
def light_before_all(
    beams: Floats, eye: Floats, rotation: Floats, view: View, x: F32, y: F32, ground_share: F32, lamps: F32,
    touched: Mask,
) -> NDArray[np.int64]:  # fmt: skip
    """Adds the dipped beams of vehicles (N×5: x, y, unit vector ahead, strength; 1: both lamps burn) to the ground
    (radiance of a white one). Returns the windows in which it did, N×4."""
    windows = np.zeros((len(beams), 4), np.int64)
    corners = np.empty((6, 2))
    for number in range(len(beams)):
        at_x, at_y, ahead_x, ahead_y = beams[number, 0], beams[number, 1], beams[number, 2], beams[number, 3]
        for corner in range(6):
            a = (0.3, 10.0, BEAM_M, BEAM_M, 10.0, 0.3)[corner]
            b = (-1.9, -4.3, -8.1, 8.1, 4.3, 1.9)[corner]
            corners[corner, 0] = at_x + a * ahead_x + b * ahead_y
            corners[corner, 1] = at_y + a * ahead_y - b * ahead_x
        window = ground_window(corners, eye, rotation, view)
        if not _is_empty(window):
            _light_ahead(window, x, y, ground_share, beams[number], lamps, touched)
            windows[number] = window
    return windows


@kernel
def cast_shade(windows: Ints, shade: Ints, sun_share: F32, dim: F32, touched: Mask) -> None:
    """Takes the sun from the ground where ``shade`` is covered (numbers from 0), its edge softened over 3×3 pixels."""
    height, width = shade.shape
    for number in range(len(windows)):
        top, low, left, right = windows[number]
        for row in range(top, low):
            for column in range(left, right):
                count = 0
                for at in range(max(row - 1, 0), min(row + 2, height)):
                    for to in range(max(column - 1, 0), min(column + 2, width)):
                        if shade[at, to] >= 0:
                            count += 1
                if count > 0:
                    dim[row, column] *= 1.0 - count * (1.0 / 9.0) * sun_share[row, column]
                    touched[row, column] = True


@kernel
def _darken_under(bounds: Bounds, x: F32, y: F32, under: Floats, dim: F32, touched: Mask) -> None:
    at_x, at_y, ahead_x, ahead_y, half_width, half_length, reach, depth = under
    for row in range(bounds[0], bounds[1]):
        for column in range(bounds[2], bounds[3]):
            dx, dy = x[row, column] - at_x, y[row, column] - at_y
            across = abs(dx * ahead_y - dy * ahead_x) - half_width
            along = abs(dx * ahead_x + dy * ahead_y) - half_length
            if across > reach or along > reach:
                continue
            out, up = max(across, 0.0), max(along, 0.0)
            outside = np.sqrt(out * out + up * up) + 0.4 * min(max(across, along), 0.0)
            near = min(max(1.0 - (outside + 0.35) / (reach + 0.35), 0.0), 1.0)
            amount = depth * near * (2.0 - near)
            if amount > 0.004:
                dim[row, column] *= 1.0 - amount
                touched[row, column] = True


@kernel
def _light_ahead(bounds: Bounds, x: F32, y: F32, ground_share: F32, beam: Floats, lamps: F32, touched: Mask) -> None:
    """A dipped beam: it begins some metres ahead, widens and fades without an edge."""
    at_x, at_y, ahead_x, ahead_y, strength = beam
    left, right = bounds[2], bounds[3]
    alongs, slants, inside = np.empty(right - left), np.empty(right - left), np.empty(right - left, np.bool_)
    columns, lights = np.empty(right - left, np.int64), np.empty(right - left)
    for row in range(bounds[0], bounds[1]):
        x_row, y_row, share_row = x[row, left:right], y[row, left:right], ground_share[row, left:right]
        # Loops without branches: the compiler handles a few pixels at once.
        for i in range(right - left):
            dx, dy = x_row[i] - at_x, y_row[i] - at_y
            along = dx * ahead_x + dy * ahead_y
            slant = (dx * ahead_y - dy * ahead_x) / (1.15 + 0.17 * along)
            alongs[i], slants[i] = along, slant
            inside[i] = (share_row[i] > 0.0) & (along > 0.4) & (along < BEAM_M) & (slant * slant < _BEAM_SLANT)
        count = 0  # of pixels inside the beam, which are moved to the front of the arrays
        for i in range(right - left):
            alongs[count], slants[count], columns[count] = alongs[i], slants[i], left + i
            count += inside[i]
        for i in range(count):
            along, square = alongs[i], slants[i] * slants[i]
            begun = min((along - 0.4) / 5.0, 1.0)
            begun = begun * begun * (3.0 - 2.0 * begun)
            end = (1.0 - along / BEAM_M) * (1.0 - square / _BEAM_SLANT)
            fade = square + along / _BEAM_FADES_M
            light = BEAM_LIGHT * strength * begun * end * exp_scalar(-fade)
            lights[i] = light if fade <= _FAINTEST_AT else 0.0
        for i in range(count):
            if lights[i] > 0.002:
                lamps[row, columns[i]] += lights[i]
                touched[row, columns[i]] = True


@kernel
def shine_on(beams: Floats, places: Floats, shone: Floats) -> None:
    """Adds to ``shone`` (N×3) the way to the lamps of ``beams`` (as ``light_before_all`` takes them) from each of N
    places in them, as long as the light is strong there."""
    for number in range(len(beams)):
        _shine_one(beams[number], places, shone)


@kernel
def _shine_one(beam: Floats, places: Floats, shone: Floats) -> None:
    at_x, at_y, ahead_x, ahead_y, strength = beam
    for i in range(len(places)):
        dx, dy = places[i, 0] - at_x, places[i, 1] - at_y
        along = dx * ahead_x + dy * ahead_y
        if along <= 1.5 or along >= 1.7 * BEAM_M:
            continue
        slant = (dx * ahead_y - dy * ahead_x) / (1.2 + 0.16 * along)
        if slant * slant > 6.0:
            continue
        light = 0.8 * strength * exp_scalar(-slant * slant - along / 14.0)
        length = np.sqrt(dx * dx + dy * dy)
        shone[i, 0] -= light * dx / length
        shone[i, 1] -= light * dy / length


@kernel
def mirror_bodies(
    windows: Ints, seen: Ints, triangles: Ints, surfaces: NDArray[np.uint8], optics: F32, light: Floats, sheen: F32,
    mirror: F32, bodies: Ints, glow: F32, touched: Mask,
) -> None:  # fmt: skip
    """Puts bodies in place of what wet ground mirrors without them. ``seen``: the triangles of the bodies turned upside
    down; ``light``: what falls on them, by colour; ``bodies`` 2H×2W: the triangles of the bodies themselves."""
    for number in range(len(windows)):
        top, low, left, right = windows[number]
        for row in range(top, low):
            for column in range(left, right):
                if seen[row, column] < 0 or sheen[row, column] <= 0.01 or bodies[FINE * row, FINE * column] >= 0:
                    continue
                surface = surfaces[triangles[seen[row, column], 0]]
                for colour in range(3):
                    sent = optics[surface, colour] * light[colour] + optics[surface, 3 + colour]
                    glow[row, column, colour] += sheen[row, column] * (sent - mirror[row, column, colour])
                touched[row, column] = True


@kernel
def streak_all(
    lamps: Floats, eye: Floats, rotation: Floats, view: View, sheen: F32, bodies: Ints, glow: F32, touched: Mask
) -> NDArray[np.int64]:
    """Adds lamps' mirror images, drawn out over wet ground (N×7: place in the world, radius in pixels, red, green,
    blue). Returns the windows in which it did, N×4."""
    height, width = touched.shape
    windows = np.zeros((len(lamps), 4), np.int64)
    mirrored = lamps[:, :3].copy()
    mirrored[:, 2] *= -1.0
    seen = bent(mirrored, eye, rotation, view.k1, view.k2, view.bend_edge)
    for number in range(len(lamps)):
        if seen[number, 2] < 1.0:
            continue
        scale = view.focal_px / seen[number, 2]
        x, y = seen[number, 0] * scale + view.centre_x, seen[number, 1] * scale + view.centre_y
        wide, tall = 1.3 * lamps[number, 3] + 1.0, 9.0 * lamps[number, 3] + 8.0
        top, low = max(int(np.floor(y - 1.1 * tall)), 0), min(int(np.ceil(y + 3.0 * tall)), height)
        left, right = max(int(np.floor(x - 3.0 * wide)), 0), min(int(np.ceil(x + 3.0 * wide)), width)
        if top < low and left < right:
            windows[number, 0], windows[number, 1], windows[number, 2], windows[number, 3] = top, low, left, right
            _streak(windows[number], x, y, wide, tall, lamps[number, 4:], sheen, bodies, glow, touched)
    return windows


@kernel
def _streak(
    bounds: Bounds, x: float, y: float, half_width: float, half_height: float, rgb: Floats, sheen: F32, bodies: Ints,
    glow: F32, touched: Mask,
) -> None:  # fmt: skip
    for row in range(bounds[0], bounds[1]):
        up = (row + 0.5 - y) / half_height
        if up < 0.0:
            up *= 3.0  # it is drawn out towards the eye
        for column in range(bounds[2], bounds[3]):
            across = (column + 0.5 - x) / half_width
            fade = 0.5 * (across * across + up * up)
            share = sheen[row, column]
            if fade > _FAINTEST_AT_ALL or share <= 0.01 or bodies[FINE * row, FINE * column] >= 0:
                continue
            fall = exp_scalar(-fade)
            if fall > 0.01:
                for colour in range(3):
                    glow[row, column, colour] += fall * share * (_MIRRORED_LAMP * rgb[colour])
                touched[row, column] = True


@kernel
def glow_about(
    bounds: NDArray[np.int64], x: float, y: float, radius_px: float, rgb: F32, glow: F32, touched: Mask
) -> None:
    """Adds a round glow about a point of the picture."""
    spread = np.float32(2.0 * (radius_px * radius_px))
    off_x, off_y = np.float32(0.5 - x), np.float32(0.5 - y)
    for row in range(bounds[0], bounds[1]):
        down = np.float32(row) + off_y
        for column in range(bounds[2], bounds[3]):
            aside = np.float32(column) + off_x
            fall = np.float32(exp_scalar(float(-(down * down + aside * aside) / spread)))
            if fall > np.float32(0.003):
                for colour in range(3):
                    glow[row, column, colour] += fall * rgb[colour]
                touched[row, column] = True


@kernel
def flash_about(
    bounds: NDArray[np.int64], x: F32, y: F32, at_x: float, at_y: float, reach_m: float, rgb: Floats, albedo: F32,
    ground_share: F32, bodies: Ints, glow: F32, touched: Mask,
) -> None:  # fmt: skip
    """Adds a coloured lamp's light (``rgb``: radiance of white ground right beside it) to the ground about it."""
    for row in range(bounds[0], bounds[1]):
        for column in range(bounds[2], bounds[3]):
            share = ground_share[row, column]
            dx, dy = x[row, column] - at_x, y[row, column] - at_y
            away = (dx * dx + dy * dy) / (reach_m * reach_m)
            if share <= 0.0 or away >= 1.0 or bodies[FINE * row, FINE * column] >= 0:
                continue
            light = share * exp_scalar(-4.0 * away) * (1.0 - away)
            for colour in range(3):
                glow[row, column, colour] += light * rgb[colour] * albedo[row, column, colour]
            touched[row, column] = True


@kernel
def glow_about_all(lamps: Floats, glow: F32, touched: Mask) -> NDArray[np.int64]:
    """Adds the light about lamps (K×8: column, row, radius in pixels, red, green, blue, radius of the halo, its share
    of the lamp's light). Returns the windows in which it did, K×4."""
    height, width = touched.shape
    windows = np.zeros((len(lamps), 4), np.int64)
    for number in range(len(lamps)):
        x, y, core, _, _, _, halo, share = lamps[number]
        span = max(2.6 * core, 2.4 * halo if share > 0.0 else 0.0) + 1.0
        windows[number, 0], windows[number, 1] = max(int(y - span), 0), min(int(y + span) + 1, height)
        windows[number, 2], windows[number, 3] = max(int(x - span), 0), min(int(x + span) + 1, width)
        for row in range(windows[number, 0], windows[number, 1]):
            for column in range(windows[number, 2], windows[number, 3]):
                down, aside = row + 0.5 - y, column + 0.5 - x
                away = down * down + aside * aside
                fall = 0.0
                if away < 7.0 * core * core:
                    fall = exp_scalar(-away / (2.0 * core * core))
                if share > 0.0 and away < 6.0 * halo * halo:
                    fall += share * exp_scalar(-away / (2.0 * halo * halo))
                if fall > 0.003:
                    for colour in range(3):
                        glow[row, column, colour] += fall * lamps[number, 3 + colour]
                    touched[row, column] = True
    return windows
