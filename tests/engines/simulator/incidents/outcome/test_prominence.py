from __future__ import annotations

import dataclasses

import pytest

from its_core.clip import Scene
from its_core.engines.simulator.incidents.outcome.prominence import outweighed
from its_core.engines.simulator.incidents.outcome.verdicts import Verdict
from its_core.engines.simulator.roads.registry import place
from its_core.engines.simulator.simulation.run import Run
from its_core.engines.simulator.trace import TraceContact
from its_core.taxonomy import Aftermath, IncidentType, ParticipantType, RoadLayout
from tests.engines.simulator.staged import car, drive

HIGHWAY = place(RoadLayout.HIGHWAY, "cam_prominence")
SEEN = Verdict(True, "", 0, 20, 12, (0.0, 0.0, 0.5), 10, (0, 1))


@pytest.fixture(scope="module")
def run() -> Run:
    lane = next(iter(HIGHWAY.lanes)).name
    types = (ParticipantType.SEDAN, ParticipantType.SEDAN, ParticipantType.SEDAN, ParticipantType.BICYCLE)
    return drive(HIGHWAY, [car(HIGHWAY, lane, 40.0 + 30.0 * i, 0.0, type_=each) for i, each in enumerate(types)])


def with_contacts(run: Run, *contacts: tuple[tuple[int, ...], float]) -> Run:
    """Contacts of these actors, and the largest change of velocity in m/s."""
    up = (0.0, 0.0, 1.0)
    made = tuple(
        TraceContact(0.5 + i, 8 + 16 * i, numbers, None, up, up, 1.0, 9.0, (delta,) * len(numbers))
        for i, (numbers, delta) in enumerate(contacts)
    )
    return dataclasses.replace(run, trace=dataclasses.replace(run.trace, contacts=made))


@pytest.mark.parametrize(
    ("contacts", "is_outweighed"),
    [
        ([((0, 1), 6.0)], False),
        ([((0, 1), 6.0), ((0, 1), 9.0)], False),
        ([((0, 1), 6.0), ((1, 2), 3.0)], False),
        ([((0, 1), 6.0), ((1, 2), 5.0)], True),
        ([((0, 1), 6.0), ((1, 3), 0.5)], True),
    ],
    ids=["alone", "again", "weaker", "as_strong", "a_cyclist_too"],
)
def test_a_later_crash_outweighs_the_first_where_it_is_nearly_as_hard_or_strikes_a_cyclist(
    run, contacts, is_outweighed
):
    scene = Scene("cam_prominence", IncidentType.REAR_END_COLLISION)
    assert bool(outweighed(scene, with_contacts(run, *contacts), SEEN)) is is_outweighed


def test_a_row_that_asks_for_a_second_crash_gets_one(run):
    twice = with_contacts(run, ((0, 1), 6.0), ((1, 2), 8.0))
    scene = Scene("cam_prominence", IncidentType.REAR_END_COLLISION, aftermath=Aftermath.SECONDARY_COLLISION)
    assert outweighed(scene, twice, SEEN) == ""
