"""Frames that an engine makes for the clips of another one: rows that say ``input: simulator``."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from its_core.clip import FrameOrigin, Scene, Unsupported
from its_core.scenarios.manifest.faults import Fault, Faults
from its_core.scenarios.manifest.input_files import Unusable
from its_core.scenarios.scenario import Scenario
from its_core.taxonomy import RoadLayout


@dataclass(frozen=True, slots=True)
class MadeFrame:
    """A frame and what it shows: the scene that was asked for, with the words that the engine chose. Path and digest
    are None where frames are not to be made."""

    scene: Scene
    path: str | None = None
    sha256: str | None = None


class FrameMaker(Protocol):
    """Makes frames for rows; ``shards.first_frames`` implements it."""

    def unsupported(self, scene: Scene) -> Unsupported | None:
        """Why there is no frame of such a scene, None when there is."""

    def layout_of(self, scene: Scene) -> RoadLayout | None:
        """The place that the frame shows."""

    def origin(self, scene: Scene, seed: int) -> FrameOrigin:
        """What names the frame of a scene and a seed."""

    def make(self, origins: Collection[FrameOrigin]) -> Mapping[FrameOrigin, MadeFrame | Unusable]:
        """Each frame, or why there is none."""


FrameMakers = Mapping[str, FrameMaker]  # engine → what makes its frames


def check_sources(
    sources: Sequence[str | None], images: Sequence[str | None], makers: FrameMakers | None, faults: Faults
) -> None:
    """Notes the rows whose ``input`` cannot be used. ``makers`` is None where the engine starts from no frame."""
    for i, source in enumerate(sources):
        if source is None:
            continue
        if makers is None:
            reason = "this engine starts from no frame: leave input empty"
            faults[i].append(Fault("engine.unsupported", "input", source, reason))
        elif images[i] is not None:
            reason = "the row names an input_image as well: a clip starts from one of them, leave the other empty"
            faults[i].append(Fault("row.two_inputs", "input", source, reason))


def with_frames(found: list[Scenario], makers: FrameMakers, first_row: int, faults: Faults) -> list[Scenario]:
    """The scenarios with the frames that are to be made for them; those without go to ``faults``."""
    origins = {scenario.input_origin for scenario in found if scenario.input_origin is not None}
    if not origins:
        return found
    made: dict[FrameOrigin, MadeFrame | Unusable] = {}
    for name, maker in makers.items():
        made |= maker.make([origin for origin in origins if origin.engine == name])
    kept = []
    for scenario in found:
        if scenario.input_origin is None:
            kept.append(scenario)
            continue
        frame = made[scenario.input_origin]
        if isinstance(frame, Unusable):
            fault = Fault(frame.code, "input", scenario.input_origin.engine, frame.reason)
            faults[scenario.row - first_row].append(fault)
        else:
            kept.append(replace(scenario, scene=frame.scene, input_path=frame.path, input_sha256=frame.sha256))
    return kept
