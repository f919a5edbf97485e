"""What the surfaces that differ from vehicle to vehicle are painted with: body, cargo box, the haulier's stripes."""

from __future__ import annotations

from its_core.engines.simulator.meshes.materials import PAINTS, SHADES, Surface
from its_core.engines.simulator.trace import Actor

# Cargo boxes and the stripes on them; more than half of all boxes are light, as on the road.
_HAULIERS: tuple[tuple[Surface, Surface], ...] = (
    (Surface.BOX_WHITE, Surface.PAINT_BLUE),
    (Surface.BOX_WHITE, Surface.PAINT_RED),
    (Surface.BOX_SILVER, Surface.PAINT_GREEN),
    (Surface.PAINT_BLUE, Surface.BOX_WHITE),
    (Surface.BOX_WHITE, Surface.PAINT_ORANGE),
    (Surface.PAINT_YELLOW, Surface.PAINT_BLACK),
    (Surface.BOX_SILVER, Surface.PAINT_RED),
    (Surface.PAINT_GREEN, Surface.BOX_WHITE),
    (Surface.BOX_WHITE, Surface.PAINT_BLACK),
    (Surface.PAINT_RED, Surface.BOX_WHITE),
    (Surface.BOX_CREAM, Surface.PAINT_BROWN),
)


def paintwork(actor: Actor) -> dict[Surface, Surface]:
    """By the surface of the mesh that it replaces."""
    shades = (PAINTS[actor.colour],) if actor.emergency or actor.works else SHADES[actor.colour]
    paint = shades[(actor.look + actor.track_id) % len(shades)]
    if actor.emergency:
        return {Surface.PAINT: paint, Surface.BOX: paint, Surface.STRIPE: paint}
    if actor.works:
        return {Surface.PAINT: paint, Surface.BOX: paint, Surface.STRIPE: Surface.SIGN_WHITE}
    box, stripe = _HAULIERS[(7 * actor.look + actor.track_id) % len(_HAULIERS)]
    return {Surface.PAINT: paint, Surface.BOX: box, Surface.STRIPE: stripe}
