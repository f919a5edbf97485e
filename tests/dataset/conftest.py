from pathlib import Path

import pytest

from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.publish import Published, publish
from tests.dataset import samples


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="session")
def clips(work: Path) -> list[FinishedClip]:
    return samples.four(work)


@pytest.fixture(scope="session")
def published(work: Path, clips: list[FinishedClip], tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Published once for all tests that only look."""
    folder = tmp_path_factory.mktemp("published")
    return publish(clips, samples.dataset(folder), samples.rejected(work), samples.run_of(work), work)
