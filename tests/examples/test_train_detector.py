"""The example's predictions can be scored."""

import runpy
from pathlib import Path

from its_core.evaluation import ground_truth
from its_core.evaluation.scoring import predictions
from tests.evaluation.conftest import clips, mixed, published, work

__all__ = ["clips", "mixed", "published", "work"]
EXAMPLE = Path(__file__).parents[2] / "examples" / "train_detector" / "train.py"


def test_it_trains_and_writes_a_score_for_every_clip(mixed, tmp_path: Path) -> None:
    example = runpy.run_path(str(EXAMPLE))
    model = example["train"](mixed.url, epochs=1, batch_size=2)
    example["predict"](model, mixed.url, tmp_path / "predictions.csv")
    said = predictions.read(tmp_path / "predictions.csv", ground_truth.open_truth(mixed.url).clips)
    assert len(said) == 4
    assert all(0 <= each.scores["score"] <= 1 for each in said.values())
