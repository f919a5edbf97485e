"""Which clips of which versions come from a camera, a frame, weights or a row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from its_core.dataset import reader
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.publish import publish
from its_core.dataset.trace import Origin, trace
from tests.dataset import samples

FRAME = "fe" * 32


@pytest.fixture(scope="module")
def versions(work: Path, clips: list[FinishedClip], tmp_path_factory: pytest.TempPathFactory) -> list[reader.Version]:
    """Two versions; the second has a clip more, which starts from a frame."""
    folder = tmp_path_factory.mktemp("traced")
    more = samples.finished(folder / "work", 5)
    request = replace(more.planned.request, input_sha256=FRAME)
    more = replace(more, planned=replace(more.planned, request=request, input_image="frames/bridge.jpg"))
    cosmos = samples.dataset(folder, engine=samples.COSMOS)
    for chosen in (clips, [*clips, more]):
        publish(chosen, cosmos, samples.rejected(work), samples.run_of(work), work)
    return sorted(reader.versions(str(folder / "sample")), key=lambda version: sum(version.clips.values()))


@pytest.mark.parametrize(
    ("origin", "scenarios"),
    [
        (Origin(camera="cam-2"), ["scenario-2", "scenario-2"]),
        (Origin(frame=FRAME), ["scenario-5"]),
        (Origin(frame="frames/bridge.jpg"), ["scenario-5"]),
        (Origin(row="scenario-1"), ["scenario-1", "scenario-1"]),
        (Origin(row="3"), ["scenario-3", "scenario-3"]),
        (Origin(weights="ab" * 6), [f"scenario-{n}" for n in (0, 1, 2, 3, 0, 1, 5, 2, 3)]),
        (Origin(weights="ab"), []),
        (Origin(camera="cam-2", row="scenario-1"), []),
    ],
)
def test_clips_by_origin(versions: list[reader.Version], origin: Origin, scenarios: list[str]) -> None:
    found = list(trace(versions, origin))

    assert [each.scenario_id for each in found] == scenarios
    assert all((Path(each.version.url) / each.path).exists() for each in found)
