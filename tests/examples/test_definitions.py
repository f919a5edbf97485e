"""The examples' definitions name only keys and options that there are."""

from pathlib import Path

import pytest

from its_core import definition as definitions
from its_core.engines.engine import engine_module
from its_core.post_training import settings as post_training

ROOT = Path(__file__).parents[2]
FOLDERS = sorted(path.parent for folder in ("examples", "datasets") for path in ROOT.glob(f"{folder}/*/dataset.yaml"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_definition_can_be_read(folder: Path):
    definition = definitions.load(folder)
    engine_module(definition.engine.name).parse_options(
        definition.engine.options, definition.resolution, definition.fps
    )


def test_the_post_training_of_the_examples() -> None:
    settings = post_training.load(ROOT / "examples" / "post_train")
    assert settings.recipe.iterations == 100
    assert settings.gate_recipe.lora_rank == settings.recipe.lora_rank == 32
