"""What is remembered from batch to batch: ids that occurred, and the place that each camera looks at."""

from __future__ import annotations

from collections.abc import Callable

from its_core.clip import Scene
from its_core.scenarios.manifest.faults import Fault
from its_core.scenarios.manifest.made_inputs import FrameMakers
from its_core.scenarios.scenario import Scenario
from its_core.taxonomy import RoadLayout

LayoutOf = Callable[[Scene], RoadLayout | None]


class KnownRows:
    """Good rows only: a rejected row claims no id and says nothing of its camera.

    Args:
        layout_of: the place of a scene, where the engine knows it.
        frame_makers: engines that make first frames, by their names; they know the place.
    """

    def __init__(self, layout_of: LayoutOf, frame_makers: FrameMakers) -> None:
        self._layout_of = layout_of
        self._frame_makers = frame_makers
        # Camera id → whether an engine makes its frames, and the first row that says so.
        self._is_made: dict[str, tuple[bool, int]] = {}
        self._rows: dict[str, int] = {}  # scenario id → row
        self._places: dict[str, tuple[RoadLayout, int]] = {}  # camera id → layout, and the first row that says it

    def add(self, scenario: Scenario) -> Fault | None:
        """Remembers a row. A fault of the row, which is forgotten then, where it contradicts an earlier one."""
        first = self._rows.get(scenario.scenario_id)
        if first is not None:
            reason = f"occurs before, in row {first}; ids must differ"
            return Fault("row.duplicate_id", "scenario_id", scenario.scenario_id, reason)
        camera_id, origin = scenario.scene.camera_id, scenario.input_origin
        is_made = origin is not None
        layout_of = self._frame_makers[origin.engine].layout_of if origin else self._layout_of
        layout = layout_of(scenario.scene)
        if layout is not None:
            place, row = self._places.get(camera_id, (layout, scenario.row))
            if place is not layout:
                reason = (
                    f"camera {camera_id!r} looks at a {_words(place)} in row {row}, and a fixed camera at one place: "
                    f"write road_layout {place.value!r} here, or give the {_words(layout)} a camera_id of its own"
                )
                return Fault("row.camera", "road_layout", layout.value, reason)
        if scenario.input_image is not None:
            was_made, row = self._is_made.get(camera_id, (is_made, scenario.row))
            if was_made is not is_made:
                kinds = ("simulated", "real") if was_made else ("real", "simulated")
                reason = (
                    f"camera {camera_id!r} is a {kinds[0]} one in row {row}: give the {kinds[1]} one another camera_id"
                )
                return Fault("row.camera", "input" if is_made else "input_image", scenario.input_image, reason)
        self._rows[scenario.scenario_id] = scenario.row
        if layout is not None:
            self._places.setdefault(camera_id, (layout, scenario.row))
        if scenario.input_image is not None:
            self._is_made.setdefault(camera_id, (is_made, scenario.row))
        return None


def _words(layout: RoadLayout) -> str:
    return layout.value.replace("_", " ")
