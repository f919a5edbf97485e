"""Two versions compared: clips, labels, quality."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from its_core.dataset import reader
from its_core.dataset.comparison import Change, compare
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.publish import publish
from tests.dataset import samples


def test_clips_labels_and_quality(work: Path, clips: list[FinishedClip], tmp_path: Path) -> None:
    hashes = ("0" * 32, "5" * 32, "a" * 32, "5" * 31 + "4")
    clips = [
        replace(clip, measures=replace(clip.measures, perceptual_hash=digest))
        for clip, digest in zip(clips, hashes, strict=True)
    ]
    relabelled = replace(clips[0], planned=replace(clips[0].planned, pair_id="pair-1"))
    brighter = replace(clips[1], measures=replace(clips[1].measures, mean_luma=200.0))
    target = samples.dataset(tmp_path)
    old = publish(clips[:3], target, samples.rejected(work), samples.run_of(work), work)
    new = publish([relabelled, brighter, clips[3]], target, samples.rejected(work), samples.run_of(work), work)

    found = compare(reader.open_version(old.url), reader.open_version(new.url))

    assert (found.added, found.removed) == (["scenario-3"], ["scenario-2"])
    assert found.changed == [Change("scenario-0", "pair_id", None, "pair-1")]
    assert found.changes_by_column == {"pair_id": 1}
    before, after = found.measures["mean_luma"]
    assert before is not None and after is not None and after > before
    assert found.alike == {"scenario-3": "scenario-1"}
    same = compare(reader.open_version(old.url), reader.open_version(old.url))
    assert (same.added, same.removed, same.changed, same.measures) == ([], [], [], {})
