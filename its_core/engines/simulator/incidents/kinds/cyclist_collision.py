"""A cyclist and a car, van, truck or bus collide: at a crossing, side by side, one behind the other, or head-on."""

from __future__ import annotations

from its_core.engines.simulator.incidents.kind import Kind, Traffic
from its_core.engines.simulator.incidents.opportunity import Opportunity
from its_core.engines.simulator.incidents.setting import Setting
from its_core.engines.simulator.incidents.timeline import Timeline
from its_core.engines.simulator.incidents.two_wheelers import accepts, judge, meetings, plan
from its_core.taxonomy import ParticipantType

BOOSTS = {ParticipantType.BICYCLE: 9.0}  # more of them than usual, whether or not anything happens to one


def search(timeline: Timeline, setting: Setting) -> list[Opportunity]:
    return meetings(timeline, setting, ParticipantType.BICYCLE)


KIND = Kind(search, plan, accepts, judge, traffic=Traffic(BOOSTS))
