"""Peaks that are no contact are told from those that are by more than their heat."""

import numpy as np
import pytest
import torch

from its_core.evaluation.detector.peak_classifier import CUES, PeakClassifier

STRUCK = CUES.index("struck_at")


def peaks(count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    """Contacts are struck, and no hotter than the others. One cue never changes."""
    rng = np.random.default_rng(0)
    cues = rng.normal(0, 1, (count, len(CUES)))
    contact = rng.random(count) < 0.2
    cues[:, STRUCK] = 50 * contact + 5 * rng.normal(0, 1, count)
    cues[:, 1] = 7
    return cues, contact


def logits(classifier: PeakClassifier, cues: np.ndarray) -> list[float]:
    found: list[float] = classifier(torch.from_numpy(cues)).tolist()
    return found


def test_until_it_is_fitted_the_hottest_is_likeliest() -> None:
    cues, _ = peaks()
    assert logits(PeakClassifier(), cues) == pytest.approx(cues[:, 0].tolist())


def test_what_tells_contacts_apart_is_learnt_and_kept() -> None:
    cues, contact = peaks()
    classifier = PeakClassifier()
    classifier.fit(cues[:300], contact[:300])
    found = np.array(logits(classifier, cues[300:]))
    assert found[contact[300:]].min() > found[~contact[300:]].max()
    assert float(classifier(torch.from_numpy(cues)).sigmoid().mean()) == pytest.approx(contact.mean(), abs=0.05)
    again = PeakClassifier()
    again.load_state_dict(classifier.state_dict())
    assert logits(again, cues) == logits(classifier, cues)
    assert (bool(again.fitted), bool(PeakClassifier().fitted)) == (True, False)


@pytest.mark.parametrize("kind", [True, False])
def test_peaks_of_one_kind_teach_nothing(kind: bool) -> None:
    cues, _ = peaks()
    classifier = PeakClassifier()
    classifier.fit(cues, np.full(len(cues), kind))
    assert bool(classifier.fitted)
    assert logits(classifier, cues) == pytest.approx(cues[:, 0].tolist())
