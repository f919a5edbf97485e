"""Published versions of drawn clips, made once."""

from dataclasses import replace
from pathlib import Path

import pytest

from its_core.dataset.publish import Published, publish
from its_core.taxonomy import IncidentType, Split
from tests.dataset import samples
from tests.dataset.conftest import clips, published, work

__all__ = ["clips", "published", "work"]


@pytest.fixture(scope="session")
def mixed(work: Path, tmp_path_factory: pytest.TempPathFactory) -> Published:
    """A published version with accidents and normal traffic in train and test."""
    calm = replace(samples.planned(0).request.scene, incident_type=IncidentType.NORMAL_TRAFFIC, participants=())
    made = []
    for number, split in enumerate((Split.TRAIN, Split.TRAIN, Split.TEST, Split.TEST)):
        changes = {"scene": replace(calm, camera_id=f"cam-{number}")} if number % 2 else {}
        made.append(samples.finished(work, 40 + number, samples.truth(contact=not number % 2), split=split, **changes))
    folder = tmp_path_factory.mktemp("mixed")
    return publish(made, samples.dataset(folder), samples.rejected(work), samples.run_of(work), folder / "work")
