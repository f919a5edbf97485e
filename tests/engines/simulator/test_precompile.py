"""After it ran, ordinary clips compile next to nothing."""

from typing import Any

import pytest
from numba.core import event

from its_core.clip import ClipRequest, Geometry, Scene
from its_core.engines.simulator import engine, precompile
from its_core.taxonomy import IncidentType, Light, RoadLayout, Weather

pytestmark = pytest.mark.slow


class Compiled(event.Listener):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def on_start(self, event: event.Event) -> None:
        function = event.data["dispatcher"].py_func
        if function.__module__.startswith("its_core"):  # Numba's own parts count with what uses them
            self.names.add(function.__qualname__)

    def on_end(self, event: event.Event) -> None:
        pass


def generate(incident: IncidentType, **words: Any) -> None:
    made = engine.load(engine.parse_options({}, "480", 16))
    clip = made.generate(
        ClipRequest("clip", "row", 0, 1, "", "", 7.0, Geometry(192, 112, 10, 61), Scene("x", incident, **words))
    )
    assert sum(1 for _ in clip.frames) == 61


def test_ordinary_clips_compile_next_to_nothing_after_it(capsys: pytest.CaptureFixture[str]) -> None:
    precompile.main()
    assert "kept in" in capsys.readouterr().out
    with event.install_listener("numba:compile", Compiled()) as compiled:
        generate(IncidentType.NORMAL_TRAFFIC, light=Light.DUSK)
        generate(
            IncidentType.SIDESWIPE_COLLISION, light=Light.DAY, weather=Weather.CLEAR, road_layout=RoadLayout.TUNNEL
        )
    assert len(compiled.names) <= 3, compiled.names
