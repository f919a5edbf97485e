"""Where traffic comes from at each kind of place."""

from __future__ import annotations

from collections.abc import Sequence

from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.traffic import Stream
from its_core.engines.simulator.roads.layouts import Lane, Layout
from its_core.engines.simulator.roads.paths import Path


def highway_streams(layout: Layout) -> list[Stream]:
    """Every lane flows."""
    middle = {lane: Path(lane.points).length_m / 2 for lane in layout.lanes}
    return [Stream((lane,), start_m=at + 70.0, end_m=at - 170.0, headway_s=(1.1, 2.4)) for lane, at in middle.items()]


def street_streams(layout: Layout) -> list[Stream]:
    """The main street flows both ways; a car or two come out of the side street."""
    found: list[Stream] = []
    for way in ("east", "west"):
        for lane in range(2):
            ways = tuple(w for w in layout.lanes if w.name.startswith(f"{way}_{lane}_"))
            if ways:
                middle = Path(ways[0].points).length_m / 2
                found.append(Stream(ways, start_m=middle + 45.0, end_m=middle - 85.0, headway_s=(1.2, 2.8)))
    return found


def junction_streams(setting: Setting, north_south_green: bool, keep_free: Sequence[Lane] = ()) -> list[Stream]:
    """Approaches with green flow, those with red queue. Nobody queues where one of ``keep_free`` starts; cars only
    come up there."""
    free = {lane.points[0] for lane in keep_free}
    found: list[Stream] = []
    for arm in ("south", "west", "north", "east"):
        for lane in range(2):
            ways = tuple(
                way for way in setting.layout.lanes if way.name.startswith(f"{arm}_{lane}_") and way.movement != "left"
            )
            if not ways:
                continue
            stop_s = ways[0].stop_s_m
            assert stop_s is not None
            if (arm in ("south", "north")) == north_south_green:
                found.append(Stream(ways, start_m=stop_s + 40.0, end_m=stop_s - 85.0, headway_s=(1.1, 2.4)))
            elif ways[0].points[0] in free:
                found.append(Stream(ways, start_m=stop_s - 42.0, end_m=stop_s - 110.0))
            else:
                found.append(Stream(ways, queue=True))
    return found
