"""From a sample's surface and normal to light: sun, sky, reflections and lamps, compiled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import inline, kernel
from its_core.engines.simulator.meshes.materials import OpticalTable, optical_table
from its_core.engines.simulator.optics.daylight import Daylight, risen_sky

F32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Light = tuple[float, float, float]

_GLINT_POWER = 160
_BRIGHTEST = 3.0  # of a sample, so that a lamp does not eat the anti-aliasing of its edge


class Around(NamedTuple):
    """What lights a sample from afar, as compiled code reads it: numbers alone, for arrays in a tuple are slow there.
    ``skyline`` is how high (sine of the elevation) buildings stand around in reflections; ``lamp`` what street lamps
    add to a white, upward surface; ``snow`` how white upward surfaces are, ``wet`` how wet; ``haze`` the share of
    light that the air, which shines as ``air``, takes in a metre."""

    sun: Light
    sun_rgb: Light
    zenith: Light
    horizon: Light
    ground: Light
    glow: Light
    overhead: Light
    houses: Light
    lamp: Light
    skyline: float
    snow: float
    wet: float
    haze: float
    air: Light


@dataclass(frozen=True, slots=True)
class Shader:
    """Lights samples under one sky. ``skyline`` and ``lamp_light`` as in ``Around``."""

    daylight: Daylight
    skyline: float = 0.12
    lamp_light: tuple[float, float, float] = (0.0, 0.0, 0.0)
    table: OpticalTable = field(default_factory=optical_table)

    @property
    def around(self) -> Around:
        sky = self.daylight
        overhead, houses = sky.overhead, 0.30 * sky.ambient(np.zeros(1, np.float32))[0]

        return Around(
            sun=_three(sky.sun),
            sun_rgb=_three(sky.sun_rgb),
            zenith=_three(sky.zenith),
            horizon=_three(sky.horizon),
            ground=_three(sky.ground),
            glow=_three(sky.glow),
            overhead=_three(overhead),
            houses=_three(houses),
            lamp=_three(self.lamp_light),
            skyline=self.skyline,
            snow=sky.snow,
            wet=sky.wet,
            haze=1.0 / sky.haze_m,
            air=_three(0.92 * np.array(sky.horizon)),
        )

    @property
    def optics(self) -> F32:
        """256×8 of each surface, as compiled code reads it: albedo, glow, mirror, gloss."""
        table = self.table
        columns = [table.albedo, table.glow, table.mirror[:, None], table.gloss[:, None]]
        return np.concatenate(columns, axis=1).astype(np.float32)

    def radiance(self, normals: F32, sunlit: F32, surfaces: Bytes, towards: F32) -> F32:
        """K×3 radiance of K samples: unit normals, share of the sun that reaches them, surfaces, and the unit
        directions from the camera along which they are seen."""
        lit = np.empty((len(surfaces), 3), np.float32)
        _radiance(normals, sunlit, surfaces, towards, self.around, self.optics, self.daylight.rise, lit)
        return lit


def _three(values: Any) -> Light:
    red, green, blue = (float(value) for value in values)
    return red, green, blue


@inline
def rise_at(dz: float, rise: F32) -> float:
    """How far up the sky a unit direction points, 0 at the horizon and 1 at the zenith."""
    at = min(max(dz, 0.0), 1.0) * 255.0
    low = min(int(at), 254)
    return float(rise[low] + (at - low) * (rise[low + 1] - rise[low]))


@inline
def plan_at(grid: F32, rect: Floats, x: float, y: float) -> float:
    """``noise.sampled`` of one point."""
    rows, columns = grid.shape
    u = min(max((x - rect[0]) * (columns / (rect[2] - rect[0])) - 0.5, 0.0), columns - 1.001)
    v = min(max((rect[3] - y) * (rows / (rect[3] - rect[1])) - 0.5, 0.0), rows - 1.001)
    c, r = int(u), int(v)
    u, v = u - c, v - r
    top = grid[r, c] * (1.0 - u) + grid[r, c + 1] * u
    low = grid[r + 1, c] * (1.0 - u) + grid[r + 1, c + 1] * u
    return float(top + v * (low - top))


@inline
def surface_light(
    nx: float,
    ny: float,
    nz: float,
    sunlit: float,
    surface: int,
    dx: float,
    dy: float,
    dz: float,
    add_red: float,
    add_green: float,
    add_blue: float,
    around: Around,
    optics: F32,
    rise: F32,
) -> Light:
    """Radiance of a sample: unit normal, share of the sun, surface, unit direction of view, and the irradiance that
    near lamps add (of a white surface)."""
    _, _, _, rz = mirrored(nx, ny, nz, dx, dy, dz)
    of = optics[surface]
    return lit_surface(
        nx, ny, nz, sunlit, dx, dy, dz, add_red, add_green, add_blue, rise_at(rz, rise), of[0], of[1], of[2], of[3],
        of[4], of[5], of[6], of[7], around,
    )  # fmt: skip


@inline
def mirrored(nx: float, ny: float, nz: float, dx: float, dy: float, dz: float) -> tuple[float, float, float, float]:
    """How much a unit normal faces the eye (cosine), and the direction in which it mirrors a unit direction of view."""
    facing = min(max(-(nx * dx + ny * dy + nz * dz), 0.03), 1.0)
    return facing, dx + 2.0 * facing * nx, dy + 2.0 * facing * ny, dz + 2.0 * facing * nz


@inline
def lit_surface(
    nx: float, ny: float, nz: float, sunlit: float, dx: float, dy: float, dz: float, add_red: float, add_green: float,
    add_blue: float, risen: float, red_share: float, green_share: float, blue_share: float, red_glow: float,
    green_glow: float, blue_glow: float, mirror: float, gloss: float, around: Around,
) -> Light:  # fmt: skip
    """``surface_light`` without its tables: ``risen`` is the ``rise_at`` of the mirrored direction, and a surface's row
    of optics is given by its numbers. Loops over it are compiled for many samples at once."""
    facing, rx, ry, rz = mirrored(nx, ny, nz, dx, dy, dz)
    share = 0.5 + 0.5 * nz
    lamp = 0.6 + 0.4 * nz
    red = around.ground[0] + share * (around.overhead[0] - around.ground[0]) + lamp * around.lamp[0] + add_red
    green = around.ground[1] + share * (around.overhead[1] - around.ground[1]) + lamp * around.lamp[1] + add_green
    blue = around.ground[2] + share * (around.overhead[2] - around.ground[2]) + lamp * around.lamp[2] + add_blue
    slant = 1.0 - facing
    square = slant * slant
    fresnel = mirror + (1.0 - mirror) * gloss * square * square * slant
    sky_red, sky_green, sky_blue = risen_sky(risen, rx, ry, rz, around)
    if around.skyline > 0.0:
        low = min(max((around.skyline - rz) / (0.3 * around.skyline), 0.0), 1.0) * min(max(rz * 30.0 + 1.0, 0.0), 1.0)
        sky_red += low * (around.houses[0] - sky_red)
        sky_green += low * (around.houses[1] - sky_green)
        sky_blue += low * (around.houses[2] - sky_blue)
    if around.sun_rgb[0] > 0.0 and sunlit > 0.0:
        direct = min(max(nx * around.sun[0] + ny * around.sun[1] + nz * around.sun[2], 0.0), 1.0) * sunlit
        red += direct * around.sun_rgb[0]
        green += direct * around.sun_rgb[1]
        blue += direct * around.sun_rgb[2]
        if gloss > 0.0:
            along = min(max(rx * around.sun[0] + ry * around.sun[1] + rz * around.sun[2], 0.0), 1.0)
            if along > 0.9:
                power = along
                for _ in range(5):
                    power *= power  # 32
                glint = power * (power * power) * (power * power) * sunlit * 14.0 * gloss  # 160
                sky_red += glint * around.sun_rgb[0]
                sky_green += glint * around.sun_rgb[1]
                sky_blue += glint * around.sun_rgb[2]
    white = 0.0
    if around.snow > 0.0:
        white = around.snow * min(max((nz - 0.45) * 3.0, 0.0), 1.0)
    a_red = red_share + white * (0.78 - red_share)
    a_green = green_share + white * (0.80 - green_share)
    a_blue = blue_share + white * (0.84 - blue_share)
    fresnel *= 1.0 - white
    return (
        a_red * red * (1.0 - fresnel) + sky_red * fresnel + red_glow,
        a_green * green * (1.0 - fresnel) + sky_green * fresnel + green_glow,
        a_blue * blue * (1.0 - fresnel) + sky_blue * fresnel + blue_glow,
    )


@kernel
def _radiance(
    normals: F32,
    sunlit: F32,
    surfaces: Bytes,
    towards: F32,
    around: Around,
    optics: F32,
    rise: F32,
    lit: F32,
) -> None:
    for i in range(len(surfaces)):
        nx, ny, nz = normals[i, 0], normals[i, 1], normals[i, 2]
        red, green, blue = surface_light(
            nx,
            ny,
            nz,
            sunlit[i],
            surfaces[i],
            towards[i, 0],
            towards[i, 1],
            towards[i, 2],
            0.0,
            0.0,
            0.0,
            around,
            optics,
            rise,
        )
        lit[i, 0], lit[i, 1], lit[i, 2] = red, green, blue


@inline
def weights(
    placed: NDArray[np.float64],
    a: int,
    b: int,
    c: int,
    focal: float,
    centre_x: float,
    centre_y: float,
    column: float,
    row: float,
) -> Light:
    """How much of each corner (a, b, c: numbers of vertices) of a triangle shows at a sample: three shares, 1 in
    sum. ``placed`` as in ``raster.draw``; ``column`` and ``row`` are the sample's middle."""
    x, y = (column - centre_x) / focal, (row - centre_y) / focal
    x0, y0, z0 = placed[a, 0], placed[a, 1], placed[a, 2]
    x1, y1, z1 = placed[b, 0], placed[b, 1], placed[b, 2]
    x2, y2, z2 = placed[c, 0], placed[c, 1], placed[c, 2]
    w0 = (y1 * z2 - z1 * y2) * x + (z1 * x2 - x1 * z2) * y + (x1 * y2 - y1 * x2)
    w1 = (y2 * z0 - z2 * y0) * x + (z2 * x0 - x2 * z0) * y + (x2 * y0 - y2 * x0)
    w2 = (y0 * z1 - z0 * y1) * x + (z0 * x1 - x0 * z1) * y + (x0 * y1 - y0 * x1)
    total = w0 + w1 + w2
    if total == 0.0:
        return 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0
    return w0 / total, w1 / total, w2 / total
