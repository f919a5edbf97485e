"""The pixels of a frame in which something changed, row by row: who shows, the light of bodies and ground, bytes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.optics.sensor import Tone, steps_of
from its_core.engines.simulator.optics.shading import Around, weights
from its_core.engines.simulator.rendering.sample_light import light_of, light_samples, put, room_for
from its_core.engines.simulator.rendering.standing import FINE
from its_core.engines.simulator.scenery.light_maps import BEAM_RGB

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
Counts = NDArray[np.int64]
Bools = NDArray[np.bool_]
Frame = NDArray[np.uint8]

assert FINE == 2, "changed pixels are found in two rows and two columns of samples"
_SAMPLES = FINE * FINE
_GAP_PX = 8  # changed pixels no farther apart are worked out in one go, with those between them


@kernel
def compose(
    windows: Ints, touched: Bools, seen: Ints, triangles: Ints, owner: Frame, placed: Floats, normals: F32,
    surfaces: Frame, focal: float, centre_x: float, centre_y: float, rays: F32, eye: Floats, nearness: F32, still: F32,
    ground_share: F32, albedo: F32, dim: F32, lamps: F32, glow: F32, veil: F32, veil_light: Floats, sun: F32,
    sun_rect: Floats, sun_slope: Floats, around: Around, optics: F32, rise: F32, tone: Tone, exposure: F32,
    curve: Frame, sharp: Frame, ids: Frame, pixels: Counts, samples: Counts, bounds: Counts, street: F32,
    street_rect: Floats, beams: Floats,
) -> None:  # fmt: skip
    """Lights the pixels of the windows in which something changed and writes them.

    ``windows`` N×4: top, bottom, left, right in pixels. Written are ``sharp`` H×W×3 (the picture), ``ids`` H×W (who
    shows), and of each actor ``pixels`` and ``samples`` that show and ``bounds``. The rest is read: ``seen`` are the
    triangles at the samples, FINE of them along a pixel's side; ``placed`` and ``normals`` their corners; ``still``,
    ``albedo``, ``ground_share``, ``dim``, ``lamps``, ``glow`` and ``veil`` are pictures of H×W."""
    found = np.empty(_SAMPLES, np.int64)
    normal, lit_with = np.empty((_SAMPLES, 3)), np.empty(_SAMPLES, np.bool_)
    height, width = touched.shape
    changed, columns = np.empty(width, np.bool_), np.empty(width, np.int64)
    hit, ends = np.empty(width, np.int64), np.empty(width, np.int64)
    room = room_for(_SAMPLES * width)
    surface_of, who_of = np.empty(_SAMPLES * width, np.uint8), np.empty(_SAMPLES * width, np.uint8)
    light, steps = np.empty(3 * width), np.empty(3 * width, np.int32)
    still_lines, albedo_lines = still.reshape(height, 3 * width), albedo.reshape(height, 3 * width)
    glow_lines = glow.reshape(height, 3 * width)
    for number in range(len(windows)):
        top, low, left, right = windows[number]
        for row in range(top, low):
            upper = seen[FINE * row, FINE * left : FINE * right]
            lower = seen[FINE * row + 1, FINE * left : FINE * right]
            touch = touched[row, left:right]
            # Numbers of triangles are negative where there is none: all of them, where no sample is hit.
            for i in range(right - left):
                changed[i] = ((upper[2 * i] & upper[2 * i + 1] & lower[2 * i] & lower[2 * i + 1]) >= 0) | touch[i]
            active = 0
            for i in range(right - left):
                columns[active] = left + i
                active += changed[i]
            total = 0
            for i in range(active):
                column = columns[i]
                hits = 0
                for k in range(_SAMPLES):
                    found[k] = seen[FINE * row + k // FINE, FINE * column + k % FINE]
                    hits += found[k] >= 0
                hit[i], ends[i] = hits, total
                if hits == 0:
                    continue
                first = found[0]
                one = hits == _SAMPLES
                for k in range(1, _SAMPLES):
                    one = one and found[k] == first
                if one:  # its normal in the pixel's middle is the samples' mean
                    a, b, c = triangles[first, 0], triangles[first, 1], triangles[first, 2]
                    x, y = FINE * column + 0.5 * FINE, FINE * row + 0.5 * FINE
                    w0, w1, w2 = weights(placed, a, b, c, focal, centre_x, centre_y, x, y)
                    put(
                        room, total, w0 * normals[a, 0] + w1 * normals[b, 0] + w2 * normals[c, 0],
                        w0 * normals[a, 1] + w1 * normals[b, 1] + w2 * normals[c, 1],
                        w0 * normals[a, 2] + w1 * normals[b, 2] + w2 * normals[c, 2], rays[row, column, 0],
                        rays[row, column, 1], rays[row, column, 2], nearness[FINE * row, FINE * column], _SAMPLES,
                    )  # fmt: skip
                    who = owner[first]
                    surface_of[total], who_of[total] = surfaces[a], who
                    total += 1
                    samples[who] += _SAMPLES
                    _shows(who, row, column, ids, pixels, bounds)
                else:
                    total = _put_each(
                        total, found, normal, lit_with, row, column, triangles, owner, placed, normals, surfaces, focal,
                        centre_x, centre_y, rays, nearness, room, surface_of, who_of,
                    )  # fmt: skip
                    _count(found, owner, row, column, ids, pixels, samples, bounds)
                ends[i] = total
            if total > 0:
                light_samples(
                    room, total, surface_of, who_of, eye, sun, sun_rect, sun_slope, street, street_rect, beams, around,
                    optics, rise,
                )  # fmt: skip
            begin, sample = 0, 0
            while begin < active:
                end = begin + 1
                while end < active and columns[end] - columns[end - 1] <= _GAP_PX:
                    end += 1
                left_most, beyond = columns[begin], columns[end - 1] + 1
                colours = slice(3 * left_most, 3 * beyond)
                _light_ground(
                    ground_share[row, left_most:beyond], dim[row, left_most:beyond], lamps[row, left_most:beyond],
                    still_lines[row, colours], albedo_lines[row, colours], light,
                )  # fmt: skip
                for i in range(begin, end):
                    if hit[i] == 0:
                        continue
                    part_red, part_green, part_blue = 0.0, 0.0, 0.0
                    while sample < ends[i]:
                        red, green, blue = light_of(room, sample)
                        part_red, part_green, part_blue = part_red + red, part_green + green, part_blue + blue
                        sample += 1
                    covered, scale, at = hit[i] / _SAMPLES, 1.0 / _SAMPLES, 3 * (columns[i] - left_most)
                    light[at] = light[at] * (1.0 - covered) + part_red * scale
                    light[at + 1] = light[at + 1] * (1.0 - covered) + part_green * scale
                    light[at + 2] = light[at + 2] * (1.0 - covered) + part_blue * scale
                _to_steps(
                    light, veil[row, left_most:beyond], veil_light[0], veil_light[1], veil_light[2],
                    glow_lines[row, colours], exposure[row, left_most:beyond], tone, steps,
                )  # fmt: skip
                for i in range(begin, end):
                    at = 3 * (columns[i] - left_most)
                    for channel in range(3):
                        sharp[row, columns[i], channel] = curve[steps[at + channel]]
                begin = end


@kernel
def _light_ground(share: F32, dim: F32, lamps: F32, still: F32, albedo: F32, light: Floats) -> None:
    """Without branches, for many pixels at once, as ``_to_steps`` is."""
    for i in range(len(share)):
        lit = 1.0 - share[i] * (1.0 - dim[i])
        lamp = share[i] * lamps[i]
        light[3 * i] = lit * still[3 * i] + lamp * albedo[3 * i]
        light[3 * i + 1] = lit * still[3 * i + 1] + BEAM_RGB[1] * lamp * albedo[3 * i + 1]
        light[3 * i + 2] = lit * still[3 * i + 2] + BEAM_RGB[2] * lamp * albedo[3 * i + 2]


@kernel
def _to_steps(
    light: Floats, veil: F32, veil_red: float, veil_green: float, veil_blue: float, glow: F32, exposure: F32,
    tone: Tone, steps: Ints,
) -> None:  # fmt: skip
    """Puts veils and glows before the light, and finds its steps on the tone curve."""
    for i in range(len(veil)):
        red, green, blue, hazy = light[3 * i], light[3 * i + 1], light[3 * i + 2], veil[i]
        red += hazy * (veil_red - red)
        green += hazy * (veil_green - green)
        blue += hazy * (veil_blue - blue)
        red, green, blue = red + glow[3 * i], green + glow[3 * i + 1], blue + glow[3 * i + 2]
        red, green, blue = steps_of(red, green, blue, exposure[i], tone)
        steps[3 * i], steps[3 * i + 1], steps[3 * i + 2] = np.int32(red), np.int32(green), np.int32(blue)


@inline
def _put_each(
    total: int, found: Counts, normal: Floats, lit_with: Bools, row: int, column: int, triangles: Ints, owner: Frame,
    placed: Floats, normals: F32, surfaces: Frame, focal: float, centre_x: float, centre_y: float, rays: F32,
    nearness: F32, room: Floats, surface_of: Frame, who_of: Frame,
) -> int:  # fmt: skip
    """Puts the samples of a pixel; those of one actor and one surface are lit once, by the mean of their normals."""
    for k in range(_SAMPLES):
        lit_with[k] = found[k] < 0
        if found[k] < 0:
            continue
        a, b, c = triangles[found[k], 0], triangles[found[k], 1], triangles[found[k], 2]
        x, y = FINE * column + k % FINE + 0.5, FINE * row + k // FINE + 0.5
        w0, w1, w2 = weights(placed, a, b, c, focal, centre_x, centre_y, x, y)
        for axis in range(3):
            normal[k, axis] = w0 * normals[a, axis] + w1 * normals[b, axis] + w2 * normals[c, axis]
    for k in range(_SAMPLES):
        if lit_with[k]:
            continue
        surface, who = surfaces[triangles[found[k], 0]], owner[found[k]]
        count = 1
        nx, ny, nz = normal[k, 0], normal[k, 1], normal[k, 2]
        for other in range(k + 1, _SAMPLES):
            if lit_with[other] or owner[found[other]] != who:
                continue
            if surfaces[triangles[found[other], 0]] == surface:
                lit_with[other] = True
                count += 1
                nx, ny, nz = nx + normal[other, 0], ny + normal[other, 1], nz + normal[other, 2]
        near = nearness[FINE * row + k // FINE, FINE * column + k % FINE]
        put(room, total, nx, ny, nz, rays[row, column, 0], rays[row, column, 1], rays[row, column, 2], near, count)
        surface_of[total], who_of[total] = surface, who
        total += 1
    return total


@inline
def _count(
    found: Counts, owner: Frame, row: int, column: int, ids: Frame, pixels: Counts, samples: Counts, bounds: Counts
) -> None:
    """Notes whose samples a pixel has. It shows the one who has most of them, at least two; the first of equals."""
    best, most = -1, 1
    for k in range(_SAMPLES):
        if found[k] < 0:
            continue
        who = owner[found[k]]
        samples[who] += 1
        count = 0
        for other in range(_SAMPLES):
            if found[other] >= 0 and owner[found[other]] == who:
                count += 1
        if count > most:
            best, most = who, count
    if best >= 0:
        _shows(best, row, column, ids, pixels, bounds)


@inline
def _shows(who: int, row: int, column: int, ids: Frame, pixels: Counts, bounds: Counts) -> None:
    ids[row, column] = who
    pixels[who] += 1
    bounds[who, 0] = min(bounds[who, 0], column)
    bounds[who, 1] = min(bounds[who, 1], row)
    bounds[who, 2] = max(bounds[who, 2], column + 1)
    bounds[who, 3] = max(bounds[who, 3], row + 1)
