"""Whether a new version trains a detector at least as well as an older one, on clips that both leave alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from its_core.evaluation.ground_truth import GroundTruth, open_truth

Score = Literal["auc", "total"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The score of a detector trained on each version. ``worse``: the new one's is lower by more than the margin."""

    score: Score
    new: float
    old: float
    margin: float
    test: str

    @property
    def worse(self) -> bool:
        return self.new < self.old - self.margin

    @property
    def line(self) -> str:
        words = "trains worse than" if self.worse else "trains no worse than"
        return (
            f"the new version {words} the latest: {self.score} {self.new:.3f} against {self.old:.3f} "
            f"(margin {self.margin:g}) on {self.test}"
        )


def judge(
    new_url: str,
    old_url: str,
    *,
    score: Score,
    margin: float,
    test_url: str | None,
    epochs: int | None,
    folder: Path,
    cache: Path,
) -> Verdict:
    """Trains on both versions and tests on ``test_url``, or on the older version's test split.

    Args:
        score: "auc" of clips, or "total", ACCIDENT's.
        epochs: that each detector is trained.
        folder: for checkpoints and predictions.
        cache: for decoded frames.

    Raises:
        LoadError, TrainingError: a version cannot be read, or holds nothing that can be learnt.
    """
    # Here, because a build without this gate needs no torch.
    from its_core.evaluation.detector import experiments
    from its_core.evaluation.detector.training import Settings

    new, old = open_truth(new_url), open_truth(old_url)
    tested = open_truth(test_url) if test_url is not None else old
    found: list[float] = []
    name = tested.name
    for number, version in enumerate((new, old)):
        experiment = experiments.plan(version, test=tested)[0]
        result = experiments.run(experiment, Settings(epochs=epochs), folder / _folder(version, number), cache)
        value = result.report.overall.scores[score].value
        found.append(value if value is not None else 0.0)
        name = experiment.test.name
    return Verdict(score, found[0], found[1], margin, name)


def _folder(version: GroundTruth, number: int) -> str:
    return f"{number}-{version.name.rpartition('/')[2]}"
