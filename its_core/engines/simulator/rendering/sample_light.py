"""Lights samples of bodies, sixteen at a time: loops over the numbers of so many are compiled for several at once, and
what is looked up in tables, which cannot be, is looked up between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.optics.shading import Around, lit_surface, mirrored, plan_at, rise_at
from its_core.engines.simulator.portable_math import exp_scalar
from its_core.engines.simulator.scenery.light_maps import BEAM_RGB, LAMP_RGB

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

_BRIGHTEST = 3.0  # of a sample, so that a lamp does not eat the anti-aliasing of its edge
_THIN_AIR = 1.0 / 1400.0  # less haze than this is not seen on bodies near by
_LANES, _BITS = 16, 4
# Sixteen of each number one after another, in one flat array: the compiler then knows that none overlaps another.
_NUMBERS = 32  # of a sample; 29 are used
_SIZE = _LANES * _NUMBERS
_NX, _NY, _NZ, _RAY_X, _RAY_Y, _RAY_Z, _DEPTH, _COUNT = range(0, 8 * _LANES, _LANES)
_RED, _GREEN, _BLUE, _SUN, _ADD_RED, _ADD_GREEN, _ADD_BLUE, _RISEN = range(8 * _LANES, 16 * _LANES, _LANES)
_O0, _O1, _O2, _O3, _O4, _O5, _O6, _O7 = range(16 * _LANES, 24 * _LANES, _LANES)  # the surface's row of optics
_RZ, _UX, _UY, _UZ, _LENGTH = range(24 * _LANES, 29 * _LANES, _LANES)


@kernel
def room_for(count: int) -> Floats:
    return np.zeros((count // _LANES + 1) * _SIZE)


@inline
def put(
    room: Floats, number: int, nx: float, ny: float, nz: float, ray_x: float, ray_y: float, ray_z: float,
    nearness: float, count: int,
) -> None:  # fmt: skip
    """``count`` samples of a pixel as one: the sum of their normals, the pixel's ray, the first one's inverse depth."""
    at = (number >> _BITS) * _SIZE + (number & (_LANES - 1))
    room[at + _NX], room[at + _NY], room[at + _NZ] = nx, ny, nz
    room[at + _RAY_X], room[at + _RAY_Y], room[at + _RAY_Z] = ray_x, ray_y, ray_z
    room[at + _DEPTH], room[at + _COUNT] = nearness, count


@inline
def light_of(room: Floats, number: int) -> tuple[float, float, float]:
    """What ``light_samples`` found, times ``count``."""
    at = (number >> _BITS) * _SIZE + (number & (_LANES - 1))
    return room[at + _RED], room[at + _GREEN], room[at + _BLUE]


@kernel
def light_samples(
    room: Floats, total: int, surface_of: Bytes, who_of: Bytes, eye: Floats, sun: F32, sun_rect: Floats,
    sun_slope: Floats, street: F32, street_rect: Floats, beams: Floats, around: Around, optics: F32, rise: F32,
) -> None:  # fmt: skip
    """The first ``total`` of what was ``put``, each with its surface and its actor; ``beams`` as in
    ``Compositor.frame``."""
    shadows = around.sun_rgb[0] > 0.0
    for first in range(0, total, _LANES):
        v = room[first * _NUMBERS : (first + _LANES) * _NUMBERS]
        some = min(_LANES, total - first)
        for i in range(_LANES):  # of the last ones some are left over from before, and nobody reads them
            nx, ny, nz = v[_NX + i], v[_NY + i], v[_NZ + i]
            n_length = max(np.sqrt(nx * nx + ny * ny + nz * nz), 1e-6)
            nx, ny, nz = nx / n_length, ny / n_length, nz / n_length
            # In 32 bits, as rays are kept: in 64 the last bits would differ from those of ``Shader.radiance``.
            dx, dy, dz = np.float32(v[_RAY_X + i]), np.float32(v[_RAY_Y + i]), np.float32(v[_RAY_Z + i])
            length = np.sqrt(dx * dx + dy * dy + dz * dz)
            ux, uy, uz = dx / length, dy / length, dz / length
            v[_NX + i], v[_NY + i], v[_NZ + i] = nx, ny, nz
            v[_UX + i], v[_UY + i], v[_UZ + i], v[_LENGTH + i] = ux, uy, uz, length
            v[_DEPTH + i] = 1.0 / v[_DEPTH + i]
            _, _, _, v[_RZ + i] = mirrored(nx, ny, nz, ux, uy, uz)
        for i in range(some):
            of = optics[surface_of[first + i]]
            v[_O0 + i], v[_O1 + i], v[_O2 + i], v[_O3 + i] = of[0], of[1], of[2], of[3]
            v[_O4 + i], v[_O5 + i], v[_O6 + i], v[_O7 + i] = of[4], of[5], of[6], of[7]
            v[_RISEN + i] = rise_at(v[_RZ + i], rise)
            v[_SUN + i] = 1.0
            v[_ADD_RED + i], v[_ADD_GREEN + i], v[_ADD_BLUE + i] = 0.0, 0.0, 0.0
        if shadows:
            for i in range(some):
                depth = v[_DEPTH + i]
                z = eye[2] + depth * v[_RAY_Z + i]
                at_x = eye[0] + depth * v[_RAY_X + i] - sun_slope[0] * z
                at_y = eye[1] + depth * v[_RAY_Y + i] - sun_slope[1] * z
                v[_SUN + i] = plan_at(sun, sun_rect, at_x, at_y)
        if len(beams) > 0:
            for i in range(some):
                who, depth, nz = who_of[first + i], v[_DEPTH + i], v[_NZ + i]
                near = plan_at(street, street_rect, eye[0] + depth * v[_RAY_X + i], eye[1] + depth * v[_RAY_Y + i])
                near *= 0.62 + 0.38 * nz
                beam = max(v[_NX + i] * beams[who, 0] + v[_NY + i] * beams[who, 1] + nz * beams[who, 2], 0.0)
                v[_ADD_RED + i] = LAMP_RGB[0] * near + BEAM_RGB[0] * beam
                v[_ADD_GREEN + i] = LAMP_RGB[1] * near + BEAM_RGB[1] * beam
                v[_ADD_BLUE + i] = LAMP_RGB[2] * near + BEAM_RGB[2] * beam
        for i in range(_LANES):
            v[_RED + i], v[_GREEN + i], v[_BLUE + i] = lit_surface(
                v[_NX + i], v[_NY + i], v[_NZ + i], v[_SUN + i], v[_UX + i], v[_UY + i], v[_UZ + i], v[_ADD_RED + i],
                v[_ADD_GREEN + i], v[_ADD_BLUE + i], v[_RISEN + i], v[_O0 + i], v[_O1 + i], v[_O2 + i], v[_O3 + i],
                v[_O4 + i], v[_O5 + i], v[_O6 + i], v[_O7 + i], around,
            )  # fmt: skip
        if around.haze > _THIN_AIR:
            for i in range(_LANES):
                clear = exp_scalar(-v[_DEPTH + i] * v[_LENGTH + i] * around.haze)
                v[_RED + i] = around.air[0] + clear * (v[_RED + i] - around.air[0])
                v[_GREEN + i] = around.air[1] + clear * (v[_GREEN + i] - around.air[1])
                v[_BLUE + i] = around.air[2] + clear * (v[_BLUE + i] - around.air[2])
        for i in range(_LANES):
            count = v[_COUNT + i]
            v[_RED + i] = count * min(v[_RED + i], _BRIGHTEST)
            v[_GREEN + i] = count * min(v[_GREEN + i], _BRIGHTEST)
            v[_BLUE + i] = count * min(v[_BLUE + i], _BRIGHTEST)
