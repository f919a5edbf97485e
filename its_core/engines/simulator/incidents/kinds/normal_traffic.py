"""Nothing happens: cars follow, stop and go, people walk."""

from __future__ import annotations

from its_core.engines.simulator.incidents.casting import cast
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.streams import highway_streams, junction_streams, street_streams
from its_core.engines.simulator.incidents.traffic import Stream, background, strollers
from its_core.engines.simulator.incidents.verdicts import Verdict, touched
from its_core.engines.simulator.roads.layouts import Lane
from its_core.engines.simulator.roads.signals import Programme
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.simulation.staging import Staging
from its_core.taxonomy import RoadLayout


def stage(setting: Setting) -> Staging:
    parts = cast(setting.scene, setting.layout.name, setting.rng, None, ())
    programme: Programme | None = None
    streams: list[Stream]
    if setting.layout.name is RoadLayout.FOUR_WAY_INTERSECTION:
        north_south = bool(setting.rng.random() < 0.5)
        programme = Programme.with_green(north_south, since_s=setting.between(1.0, 19.0))
        streams = junction_streams(setting, north_south)
    elif setting.layout.name is RoadLayout.URBAN_STREET:
        streams = street_streams(setting.layout)
    else:
        streams = highway_streams(setting.layout)
    vehicles = tuple(background(setting, streams, parts.cars, [], _anywhere))
    walkers = tuple(strollers(setting, parts.people, len(vehicles)))
    return Staging(setting.layout, setting.surface, programme, vehicles, walkers)


def judge(run: Run) -> Verdict:
    """Nobody touches anything."""
    if run.episodes:
        return Verdict(False, touched(run))
    return Verdict(True, "")


def _anywhere(_lane: Lane, _s_m: float, _speed: float) -> bool:
    return True
