"""The gate looks at the latest version, and at nothing where there is none."""

from pathlib import Path

import pytest
from its_tasks.utility import judge_utility

from its_core import definition as definitions
from its_core.dataset.publish import Published
from its_core.definition import Definition
from tests.evaluation.conftest import clips, mixed, published, work

__all__ = ["clips", "mixed", "published", "work"]


@pytest.fixture
def definition(mixed: Published, tmp_path: Path) -> Definition:
    root = Path(mixed.url).parent
    (tmp_path / "dataset.yaml").write_text(
        f"name: {root.name}\npublish_url: {root.parent}\nutility: {{margin: 0.0, epochs: 1}}\n"
    )
    return definitions.load(tmp_path)


def test_the_first_version_and_the_latest_itself_are_not_judged(
    definition: Definition, mixed: Published, tmp_path: Path
) -> None:
    assert judge_utility.fn(definition, mixed.url) is None
    nowhere = definition.model_copy(update={"publish_url": str(tmp_path / "nowhere")})
    assert judge_utility.fn(nowhere, mixed.url) is None


def test_another_version_is_compared_with_the_latest(definition: Definition, mixed: Published, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    newer = copy / mixed.version
    newer.symlink_to(mixed.url)
    verdict = judge_utility.fn(definition, str(newer))
    assert verdict is not None
    assert verdict.new == verdict.old
    assert not verdict.worse
