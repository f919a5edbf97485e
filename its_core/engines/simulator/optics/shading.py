"""From drawn bytes to light: sun, sky and reflections on whatever was drawn as a mesh.

A drawn sample carries its normal and how much sun reaches it (red, green, blue: the normal times 0.6 in shade up to 1
in full sun) and its surface (alpha).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.meshes.materials import OpticalTable, optical_table
from its_core.engines.simulator.optics.daylight import Daylight

F32 = NDArray[np.float32]
Bytes = NDArray[np.uint8]

_SHADE_LENGTH = 0.6
_GLINT_POWER = 160


def packed(normals: F32, sunlit: F32, surfaces: Bytes) -> Bytes:
    """V×4 bytes of V vertices: unit normals, share of the sun that reaches them (0 to 1), surface."""
    length = np.float32(127.0) * (np.float32(_SHADE_LENGTH) + np.float32(1.0 - _SHADE_LENGTH) * sunlit)
    rgba = np.empty((len(normals), 4), np.uint8)
    rgba[:, :3] = normals * length[:, None] + np.float32(128.5)
    rgba[:, 3] = surfaces
    return rgba


@dataclass(frozen=True, slots=True)
class Shader:
    """Lights samples under one sky. ``skyline`` is how high (sine of the elevation) buildings stand around, as seen in
    reflections; ``lamp_light`` what street lamps add to a white, upward surface."""

    daylight: Daylight
    skyline: float = 0.12
    lamp_light: tuple[float, float, float] = (0.0, 0.0, 0.0)
    table: OpticalTable = field(default_factory=optical_table)

    def radiance(self, rgba: Bytes, towards: F32) -> F32:
        """K×3 radiance of K drawn samples (K×4 bytes) seen along K×3 unit directions from the camera."""
        normal = rgba[:, :3].astype(np.float32) - np.float32(128.0)
        length = np.sqrt(np.einsum("ij,ij->i", normal, normal))
        normal /= np.maximum(length, 1.0)[:, None]
        sunlit = np.clip((length / 127.0 - _SHADE_LENGTH) / (1.0 - _SHADE_LENGTH), 0.0, 1.0)
        surface = rgba[:, 3]
        facing = np.clip(-np.einsum("ij,ij->i", normal, towards), 0.03, 1.0)
        reflected = towards + (2.0 * facing)[:, None] * normal
        sky = self.daylight
        light = sky.ambient(normal[:, 2]) + np.array(self.lamp_light, np.float32) * (0.6 + 0.4 * normal[:, 2:])
        mirror, gloss = self.table.mirror[surface], self.table.gloss[surface]
        fresnel = mirror + (1.0 - mirror) * gloss * (1.0 - facing) ** 5
        surround = self._surround(reflected)
        if sky.casts_shadows:
            sun = sky.sun_vector
            sun_rgb = np.array(sky.sun_rgb, np.float32)
            direct = np.clip(_dot(normal, sun), 0.0, 1.0) * sunlit
            light += direct[:, None] * sun_rgb
            glint = np.clip(_dot(reflected, sun), 0.0, 1.0) ** _GLINT_POWER * sunlit * (14.0 * gloss)
            surround += glint[:, None] * sun_rgb
        fresnel = fresnel[:, None]
        lit: F32 = self.table.albedo[surface] * light * (1.0 - fresnel) + surround * fresnel + self.table.glow[surface]
        return lit

    def _surround(self, directions: F32) -> F32:
        """What a polished surface mirrors: sky above, dull houses and trees about the horizon, road below."""
        sky = self.daylight.sky(directions)
        if self.skyline <= 0.0:
            return sky
        low = np.clip((self.skyline - directions[:, 2]) / (0.3 * self.skyline), 0.0, 1.0)
        low *= np.clip(directions[:, 2] * 30.0 + 1.0, 0.0, 1.0)
        houses = 0.30 * self.daylight.ambient(np.zeros(1, np.float32))
        mirrored: F32 = sky + low[:, None] * (houses - sky)
        return mirrored


def _dot(vectors: F32, axis: F32) -> F32:
    along: F32 = vectors[:, 0] * axis[0] + vectors[:, 1] * axis[1] + vectors[:, 2] * axis[2]
    return along
