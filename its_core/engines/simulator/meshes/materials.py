"""What surfaces are made of: one byte a surface, and the optical table behind it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto

import numpy as np
from numpy.typing import NDArray

from its_core.taxonomy import Colour

RGB = tuple[float, float, float]


class Surface(IntEnum):
    """The byte. 0 is where nothing was drawn; the first group stands for what differs from actor to actor and is
    replaced before drawing (``materials.byte_table``)."""

    PAINT = 1
    HEADLAMP_LEFT = auto()
    HEADLAMP_RIGHT = auto()
    TAILLAMP_LEFT = auto()
    TAILLAMP_RIGHT = auto()
    INDICATOR_LEFT = auto()
    INDICATOR_RIGHT = auto()
    SKIN = auto()
    HAIR = auto()
    TOP = auto()
    BOTTOM = auto()
    SHOES = auto()

    GLASS = auto()
    TRIM = auto()
    TYRE = auto()
    RIM = auto()
    CHROME = auto()
    PLATE = auto()
    GRILLE = auto()
    WELL = auto()
    SEAM = auto()
    HEADLAMP_DARK = auto()
    HEADLAMP_LIT = auto()
    TAILLAMP_DARK = auto()
    TAILLAMP_DIM = auto()
    TAILLAMP_BRAKE = auto()
    INDICATOR_DARK = auto()
    INDICATOR_LIT = auto()

    PAINT_WHITE = auto()
    PAINT_SILVER = auto()
    PAINT_GREY = auto()
    PAINT_BLACK = auto()
    PAINT_RED = auto()
    PAINT_BLUE = auto()
    PAINT_GREEN = auto()
    PAINT_YELLOW = auto()
    PAINT_ORANGE = auto()
    PAINT_BROWN = auto()
    PAINT_BEIGE = auto()

    SKIN_FAIR = auto()
    SKIN_OLIVE = auto()
    SKIN_BROWN = auto()
    SKIN_DARK = auto()
    HAIR_BLACK = auto()
    HAIR_BROWN = auto()
    HAIR_BLOND = auto()
    HAIR_GREY = auto()
    CLOTH_WHITE = auto()
    CLOTH_GREY = auto()
    CLOTH_BLACK = auto()
    CLOTH_NAVY = auto()
    CLOTH_DENIM = auto()
    CLOTH_RED = auto()
    CLOTH_GREEN = auto()
    CLOTH_YELLOW = auto()
    CLOTH_ORANGE = auto()
    CLOTH_BROWN = auto()
    CLOTH_BEIGE = auto()
    CLOTH_BLUE = auto()
    LEATHER = auto()

    BARK = auto()
    LEAF_1 = auto()
    LEAF_2 = auto()
    LEAF_3 = auto()
    LEAF_4 = auto()
    LEAF_5 = auto()
    LEAF_6 = auto()
    STEEL = auto()
    STEEL_DARK = auto()
    CONCRETE = auto()
    CONCRETE_DARK = auto()
    ROOFING = auto()
    STUCCO = auto()
    BRICK_TRIM = auto()
    STONE = auto()
    WOOD = auto()
    BIN_GREEN = auto()
    CABINET = auto()
    HYDRANT = auto()
    SIGN_BLUE = auto()
    SIGN_GREEN = auto()
    SIGN_WHITE = auto()
    SIGN_RED = auto()
    SIGN_YELLOW = auto()
    HOUSING = auto()
    LENS_RED = auto()
    LENS_AMBER = auto()
    LENS_GREEN = auto()
    LUMINAIRE_DARK = auto()
    LUMINAIRE_LIT = auto()
    AWNING_RED = auto()
    AWNING_GREEN = auto()
    AWNING_BLUE = auto()
    AWNING_SAND = auto()
    BEACON_LEFT = auto()  # of an emergency vehicle: replaced before drawing
    BEACON_RIGHT = auto()
    BEACON_BLUE_DARK = auto()
    BEACON_RED_DARK = auto()
    BEACON_BLUE = auto()
    BEACON_RED = auto()
    LIVERY_BLUE = auto()
    LIVERY_GREEN = auto()
    LIVERY_RED = auto()
    LIVERY_YELLOW = auto()
    TAILLAMP_HIGH = auto()  # the third brake lamp: replaced before drawing, as are cargo boxes and their stripes
    BOX = auto()
    STRIPE = auto()
    HEADLAMP_DAY = auto()
    BOX_WHITE = auto()
    BOX_SILVER = auto()
    BOX_CREAM = auto()
    TORN = auto()  # sheet metal without its paint
    GLASS_CRAZED = auto()
    CONE = auto()
    LAMP_AMBER = auto()  # always burns
    BEACON_AMBER = auto()
    GRAVEL = auto()
    VEST_ORANGE = auto()
    VEST_YELLOW = auto()
    REFLECTOR = auto()
    SALOON = auto()  # a bus's side windows: replaced before drawing
    SALOON_LIT = auto()
    PAINT_PEARL = auto()
    PAINT_CHAMPAGNE = auto()
    PAINT_BRIGHT_SILVER = auto()
    PAINT_CHARCOAL = auto()
    PAINT_MID_GREY = auto()
    PAINT_BROWN_BLACK = auto()
    PAINT_WINE = auto()
    PAINT_BRIGHT_RED = auto()
    PAINT_NAVY = auto()
    PAINT_SKY = auto()
    PAINT_LEAF = auto()
    PAINT_COPPER = auto()
    TUNNEL_PANEL = auto()
    LUMINAIRE_WHITE = auto()
    SIGN_GREEN_LIT = auto()
    AIRBAG = auto()  # behind glass
    HELMET = auto()  # replaced before drawing
    WALL = 255  # drawn with the number of the wall in place of a normal


@dataclass(frozen=True, slots=True)
class Material:
    """``albedo`` linear, 0 to 1; ``mirror`` reflectance at right angles; ``gloss`` 0 dull to 1 polished; ``glow`` the
    radiance it sends out itself (1: as bright as white paper in the sun)."""

    albedo: RGB
    mirror: float = 0.0
    gloss: float = 0.0
    glow: RGB = (0.0, 0.0, 0.0)


def _grey(value: float) -> RGB:
    return (value, value, value)


S, M = Surface, Material
MATERIALS: dict[Surface, Material] = {
    S.GLASS: M((0.016, 0.019, 0.021), 0.11, 0.95),
    S.TRIM: M(_grey(0.018), 0.03, 0.25),
    S.TYRE: M(_grey(0.022)),
    S.RIM: M((0.30, 0.30, 0.31), 0.30, 0.6),
    S.CHROME: M((0.25, 0.25, 0.26), 0.55, 0.85),
    S.PLATE: M((0.62, 0.62, 0.60)),
    S.GRILLE: M(_grey(0.012), 0.04, 0.4),
    S.WELL: M(_grey(0.006)),
    S.SEAM: M(_grey(0.010)),
    S.HEADLAMP_DARK: M((0.34, 0.35, 0.36), 0.25, 0.8),
    S.HEADLAMP_LIT: M((0.5, 0.5, 0.5), 0.2, 0.8, (5.0, 4.7, 4.2)),
    S.TAILLAMP_DARK: M((0.16, 0.008, 0.008), 0.06, 0.8),
    S.TAILLAMP_DIM: M((0.16, 0.008, 0.008), 0.06, 0.8, (0.42, 0.006, 0.004)),
    S.TAILLAMP_BRAKE: M((0.20, 0.01, 0.01), 0.06, 0.8, (2.1, 0.026, 0.016)),
    S.INDICATOR_DARK: M((0.30, 0.13, 0.03), 0.06, 0.8),
    S.INDICATOR_LIT: M((0.4, 0.2, 0.03), 0.06, 0.8, (2.4, 0.95, 0.06)),
    S.PAINT_WHITE: M((0.62, 0.62, 0.61), 0.045, 0.9),
    S.PAINT_SILVER: M((0.36, 0.37, 0.38), 0.09, 0.8),
    S.PAINT_GREY: M((0.085, 0.088, 0.094), 0.07, 0.85),
    S.PAINT_BLACK: M((0.007, 0.007, 0.008), 0.05, 0.95),
    S.PAINT_RED: M((0.30, 0.012, 0.010), 0.05, 0.9),
    S.PAINT_BLUE: M((0.014, 0.045, 0.17), 0.06, 0.9),
    S.PAINT_GREEN: M((0.012, 0.065, 0.035), 0.055, 0.9),
    S.PAINT_YELLOW: M((0.62, 0.40, 0.02), 0.045, 0.85),
    S.PAINT_ORANGE: M((0.56, 0.13, 0.012), 0.05, 0.9),
    S.PAINT_BROWN: M((0.075, 0.038, 0.022), 0.06, 0.85),
    S.PAINT_BEIGE: M((0.38, 0.31, 0.21), 0.06, 0.85),
    S.SKIN_FAIR: M((0.52, 0.30, 0.21)),
    S.SKIN_OLIVE: M((0.38, 0.22, 0.14)),
    S.SKIN_BROWN: M((0.22, 0.115, 0.07)),
    S.SKIN_DARK: M((0.085, 0.045, 0.03)),
    S.HAIR_BLACK: M(_grey(0.012)),
    S.HAIR_BROWN: M((0.05, 0.026, 0.014)),
    S.HAIR_BLOND: M((0.26, 0.17, 0.07)),
    S.HAIR_GREY: M((0.26, 0.26, 0.26)),
    S.CLOTH_WHITE: M((0.66, 0.66, 0.64)),
    S.CLOTH_GREY: M((0.18, 0.18, 0.185)),
    S.CLOTH_BLACK: M((0.014, 0.014, 0.016)),
    S.CLOTH_NAVY: M((0.014, 0.020, 0.055)),
    S.CLOTH_DENIM: M((0.045, 0.075, 0.15)),
    S.CLOTH_RED: M((0.34, 0.02, 0.02)),
    S.CLOTH_GREEN: M((0.04, 0.10, 0.04)),
    S.CLOTH_YELLOW: M((0.58, 0.42, 0.05)),
    S.CLOTH_ORANGE: M((0.55, 0.16, 0.02)),
    S.CLOTH_BROWN: M((0.10, 0.06, 0.035)),
    S.CLOTH_BEIGE: M((0.42, 0.34, 0.24)),
    S.CLOTH_BLUE: M((0.08, 0.18, 0.42)),
    S.LEATHER: M((0.03, 0.024, 0.02)),
    S.BARK: M((0.10, 0.078, 0.055)),
    S.LEAF_1: M((0.020, 0.040, 0.010)),
    S.LEAF_2: M((0.034, 0.062, 0.015)),
    S.LEAF_3: M((0.050, 0.086, 0.020)),
    S.LEAF_4: M((0.070, 0.112, 0.026)),
    S.LEAF_5: M((0.092, 0.135, 0.034)),
    S.LEAF_6: M((0.120, 0.160, 0.045)),
    S.STEEL: M((0.30, 0.31, 0.32), 0.10, 0.3),
    S.STEEL_DARK: M((0.045, 0.048, 0.05), 0.05, 0.4),
    S.CONCRETE: M((0.36, 0.35, 0.33)),
    S.CONCRETE_DARK: M((0.20, 0.195, 0.185)),
    S.ROOFING: M((0.13, 0.128, 0.125)),
    S.STUCCO: M((0.52, 0.48, 0.41)),
    S.BRICK_TRIM: M((0.21, 0.10, 0.07)),
    S.STONE: M((0.40, 0.38, 0.34)),
    S.WOOD: M((0.17, 0.10, 0.055)),
    S.BIN_GREEN: M((0.03, 0.10, 0.05), 0.04, 0.4),
    S.CABINET: M((0.24, 0.27, 0.24), 0.03, 0.3),
    S.HYDRANT: M((0.40, 0.03, 0.02), 0.04, 0.5),
    S.SIGN_BLUE: M((0.02, 0.08, 0.36), 0.03, 0.4),
    S.SIGN_GREEN: M((0.01, 0.16, 0.08), 0.03, 0.4),
    S.SIGN_WHITE: M((0.68, 0.68, 0.66), 0.03, 0.4),
    S.SIGN_RED: M((0.42, 0.02, 0.02), 0.03, 0.4),
    S.SIGN_YELLOW: M((0.62, 0.42, 0.03), 0.03, 0.4),
    S.HOUSING: M((0.020, 0.020, 0.018), 0.03, 0.3),
    S.LENS_RED: M((0.07, 0.008, 0.006), 0.04, 0.5),
    S.LENS_AMBER: M((0.09, 0.045, 0.006), 0.04, 0.5),
    S.LENS_GREEN: M((0.008, 0.05, 0.03), 0.04, 0.5),
    S.LUMINAIRE_DARK: M((0.45, 0.45, 0.43), 0.04, 0.5),
    S.LUMINAIRE_LIT: M((0.5, 0.5, 0.5), 0.0, 0.0, (5.5, 4.0, 2.3)),
    S.AWNING_RED: M((0.30, 0.03, 0.03)),
    S.AWNING_GREEN: M((0.03, 0.12, 0.06)),
    S.AWNING_BLUE: M((0.03, 0.08, 0.22)),
    S.AWNING_SAND: M((0.46, 0.38, 0.26)),
    S.BEACON_BLUE_DARK: M((0.02, 0.05, 0.22), 0.06, 0.8),
    S.BEACON_RED_DARK: M((0.22, 0.02, 0.015), 0.06, 0.8),
    S.BEACON_BLUE: M((0.03, 0.08, 0.40), 0.06, 0.8, (0.30, 0.60, 3.4)),
    S.BEACON_RED: M((0.40, 0.03, 0.02), 0.06, 0.8, (3.2, 0.40, 0.32)),
    S.LIVERY_BLUE: M((0.015, 0.05, 0.30), 0.045, 0.6),
    S.LIVERY_GREEN: M((0.01, 0.20, 0.07), 0.045, 0.6),
    S.LIVERY_RED: M((0.42, 0.02, 0.015), 0.045, 0.6),
    S.LIVERY_YELLOW: M((0.60, 0.62, 0.06), 0.045, 0.6),
    S.HEADLAMP_DAY: M((0.36, 0.37, 0.38), 0.22, 0.8, (0.55, 0.54, 0.50)),
    S.BOX_WHITE: M((0.50, 0.50, 0.49), 0.04, 0.5),
    S.BOX_SILVER: M((0.30, 0.31, 0.32), 0.06, 0.5),
    S.TORN: M((0.030, 0.028, 0.026), 0.04, 0.2),
    S.GLASS_CRAZED: M((0.085, 0.095, 0.10), 0.05, 0.35),
    S.BOX_CREAM: M((0.46, 0.42, 0.33), 0.04, 0.5),
    S.CONE: M((0.60, 0.14, 0.02)),
    S.PAINT_PEARL: M((0.55, 0.54, 0.50), 0.05, 0.9),
    S.PAINT_CHAMPAGNE: M((0.36, 0.34, 0.29), 0.085, 0.8),
    S.PAINT_BRIGHT_SILVER: M((0.44, 0.455, 0.47), 0.10, 0.8),
    S.PAINT_CHARCOAL: M((0.042, 0.044, 0.048), 0.065, 0.88),
    S.PAINT_MID_GREY: M((0.15, 0.155, 0.16), 0.075, 0.82),
    S.PAINT_BROWN_BLACK: M((0.016, 0.013, 0.012), 0.05, 0.92),
    S.PAINT_WINE: M((0.24, 0.008, 0.013), 0.05, 0.88),
    S.PAINT_BRIGHT_RED: M((0.44, 0.022, 0.012), 0.045, 0.9),
    S.PAINT_NAVY: M((0.011, 0.028, 0.105), 0.06, 0.92),
    S.PAINT_SKY: M((0.055, 0.13, 0.30), 0.06, 0.86),
    S.PAINT_LEAF: M((0.045, 0.115, 0.040), 0.05, 0.86),
    S.PAINT_COPPER: M((0.15, 0.075, 0.035), 0.07, 0.85),
    S.SALOON_LIT: M((0.016, 0.019, 0.021), 0.10, 0.9, (0.028, 0.024, 0.016)),
    S.LAMP_AMBER: M((0.4, 0.2, 0.03), 0.0, 0.0, (2.6, 1.25, 0.10)),
    S.BEACON_AMBER: M((0.4, 0.2, 0.03), 0.06, 0.8, (2.4, 0.75, 0.03)),
    S.GRAVEL: M((0.30, 0.27, 0.23)),
    S.VEST_ORANGE: M((0.80, 0.20, 0.02)),
    S.VEST_YELLOW: M((0.62, 0.78, 0.05)),
    S.REFLECTOR: M((0.85, 0.86, 0.86)),
    S.TUNNEL_PANEL: M((0.46, 0.46, 0.44), 0.035, 0.45),
    S.LUMINAIRE_WHITE: M((0.5, 0.5, 0.5), 0.0, 0.0, (5.0, 5.1, 4.8)),
    S.AIRBAG: M((0.40, 0.41, 0.41), 0.06, 0.6),
    S.SIGN_GREEN_LIT: M((0.01, 0.20, 0.09), 0.0, 0.0, (0.02, 0.50, 0.22)),
}
del S, M

PAINTS: dict[Colour, Surface] = {colour: Surface[f"PAINT_{colour.name}"] for colour in Colour}
# The paints that go by the same name.
SHADES: dict[Colour, tuple[Surface, ...]] = {colour: (paint,) for colour, paint in PAINTS.items()} | {
    Colour.WHITE: (Surface.PAINT_WHITE, Surface.PAINT_WHITE, Surface.PAINT_PEARL),
    Colour.SILVER: (Surface.PAINT_SILVER, Surface.PAINT_BRIGHT_SILVER, Surface.PAINT_CHAMPAGNE),
    Colour.GREY: (Surface.PAINT_GREY, Surface.PAINT_CHARCOAL, Surface.PAINT_MID_GREY),
    Colour.BLACK: (Surface.PAINT_BLACK, Surface.PAINT_BROWN_BLACK),
    Colour.RED: (Surface.PAINT_RED, Surface.PAINT_BRIGHT_RED, Surface.PAINT_WINE),
    Colour.BLUE: (Surface.PAINT_BLUE, Surface.PAINT_NAVY, Surface.PAINT_SKY),
    Colour.GREEN: (Surface.PAINT_GREEN, Surface.PAINT_LEAF),
    Colour.BROWN: (Surface.PAINT_BROWN, Surface.PAINT_COPPER),
}


@dataclass(frozen=True, slots=True)
class OpticalTable:
    """The materials by byte: albedo and glow 256×3, mirror and gloss 256."""

    albedo: NDArray[np.float32]
    mirror: NDArray[np.float32]
    gloss: NDArray[np.float32]
    glow: NDArray[np.float32]


def optical_table() -> OpticalTable:
    table = OpticalTable(
        np.zeros((256, 3), np.float32),
        np.zeros(256, np.float32),
        np.zeros(256, np.float32),
        np.zeros((256, 3), np.float32),
    )
    for surface, material in MATERIALS.items():
        table.albedo[surface] = material.albedo
        table.mirror[surface] = material.mirror
        table.gloss[surface] = material.gloss
        table.glow[surface] = material.glow
    return table


def byte_table(changes: dict[Surface, Surface]) -> NDArray[np.uint8]:
    """256 bytes that turn an actor's mesh slots into its own surfaces."""
    table = np.arange(256, dtype=np.uint8)
    for generic, own in changes.items():
        table[generic] = own
    return table
