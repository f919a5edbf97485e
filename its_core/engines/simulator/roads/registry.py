"""The place that a camera stands in: a layout's word and a camera's id make one, always the same."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from its_core.engines.simulator.roads.bridge import bridge
from its_core.engines.simulator.roads.four_way import four_way
from its_core.engines.simulator.roads.highway import highway
from its_core.engines.simulator.roads.highway_ramp import highway_ramp
from its_core.engines.simulator.roads.layouts import Layout
from its_core.engines.simulator.roads.roundabout import roundabout
from its_core.engines.simulator.roads.rural_road import rural_road
from its_core.engines.simulator.roads.t_intersection import t_intersection
from its_core.engines.simulator.roads.tunnel import tunnel
from its_core.engines.simulator.roads.urban_street import urban_street
from its_core.engines.simulator.roads.work_zone import work_zone
from its_core.taxonomy import RoadLayout

PLACES: dict[RoadLayout, Callable[[str], Layout]] = {
    RoadLayout.FOUR_WAY_INTERSECTION: four_way,
    RoadLayout.T_INTERSECTION: t_intersection,
    RoadLayout.ROUNDABOUT: roundabout,
    RoadLayout.HIGHWAY: highway,
    RoadLayout.WORK_ZONE: work_zone,
    RoadLayout.URBAN_STREET: urban_street,
    RoadLayout.RURAL_ROAD: rural_road,
    RoadLayout.HIGHWAY_RAMP: highway_ramp,
    RoadLayout.BRIDGE: bridge,
    RoadLayout.TUNNEL: tunnel,
}


@lru_cache(maxsize=64)
def place(layout: RoadLayout, camera_id: str) -> Layout:
    """Raises KeyError for a layout that has no place yet."""
    return PLACES[layout](camera_id)
