"""Numbers that physics and drivers share."""

from __future__ import annotations

from its_core.taxonomy import RoadSurface

GRAVITY_MPS2 = 9.81
TICKS_HZ = 240
# The peak friction of tyres by surface (dry and wet asphalt: Wong, Theory of Ground Vehicles; packed snow and ice:
# Shenvi et al. and winter tyre tests), and the share of it left to a wheel that slides locked.
TYRE_GRIP: dict[RoadSurface, float] = {
    RoadSurface.DRY: 0.95,
    RoadSurface.WET: 0.62,
    RoadSurface.SNOWY: 0.30,
    RoadSurface.ICY: 0.13,
}
LOCKED_SHARE = 0.8
