"""The gate's verdict: two detectors, one test."""

from pathlib import Path

from its_core.dataset.publish import Published
from its_core.evaluation import utility
from its_core.evaluation.utility import Verdict


def test_worse_means_by_more_than_the_margin() -> None:
    assert Verdict("auc", new=0.80, old=0.83, margin=0.02, test="x").worse
    assert not Verdict("auc", new=0.82, old=0.83, margin=0.02, test="x").worse
    assert "0.800 against 0.830" in Verdict("auc", new=0.80, old=0.83, margin=0.02, test="x").line


def test_a_version_is_as_good_as_itself(mixed: Published, tmp_path: Path) -> None:
    verdict = utility.judge(
        mixed.url,
        mixed.url,
        score="auc",
        margin=0.0,
        test_url=None,
        epochs=1,
        folder=tmp_path / "detectors",
        cache=tmp_path / "features",
    )
    assert verdict.new == verdict.old
    assert not verdict.worse
    assert verdict.test.endswith("(test)")
    assert len(list((tmp_path / "detectors").glob("*/checkpoint.pt"))) == 2
