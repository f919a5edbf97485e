"""What the cache keeps is what a fresh read would give."""

import os
from pathlib import Path

from its_core.clip import Outcome
from its_core.shards.receipt_cache import ReceiptCache
from its_core.shards.receipts import clip_files
from its_core.shards.status import read_status
from tests.shards.test_status import building, ends


def settle(work: Path) -> None:
    """As if the last change of the clips' folders were long ago."""
    for folder in (work / "clips").iterdir():
        os.utime(folder, (1_000_000_000, 1_000_000_000))


def test_what_comes_changes_and_goes_is_seen(tmp_path):
    cache = ReceiptCache()

    def outcomes():
        fresh = sorted((receipt.clip_id, receipt.outcome) for receipt in read_receipts())
        assert fresh == sorted((receipt.clip_id, receipt.outcome) for receipt in cache.read(tmp_path))
        return [outcome for _, outcome in fresh]

    def read_receipts():
        found = [clip_files(tmp_path, f"{index:024x}").valid_receipt() for index in range(clips)]
        return [receipt for receipt in found if receipt]

    clips = 3
    with building(tmp_path, clips):
        assert outcomes() == []
        ends(tmp_path, 0, Outcome.TIMED_OUT)
        assert outcomes() == [Outcome.TIMED_OUT]
        settle(tmp_path)
        assert outcomes() == outcomes() == [Outcome.TIMED_OUT]
        ends(tmp_path, 0, Outcome.GENERATED)
        ends(tmp_path, 1, Outcome.GENERATED)
        assert outcomes() == [Outcome.GENERATED, Outcome.GENERATED]
        settle(tmp_path)
        assert outcomes() == [Outcome.GENERATED, Outcome.GENERATED]
        clip_files(tmp_path, f"{0:024x}").video.unlink()
        assert outcomes() == [Outcome.GENERATED]
    assert read_status(tmp_path, cache.read).made == 1


def test_a_new_plan_over_the_same_clips_is_seen(tmp_path):
    cache = ReceiptCache()
    with building(tmp_path, clips=1):
        ends(tmp_path, 0, Outcome.GENERATED)
        ends(tmp_path, 1, Outcome.GENERATED)
        settle(tmp_path)
        assert len(list(cache.read(tmp_path))) == 1
    with building(tmp_path, clips=2):
        assert len(list(cache.read(tmp_path))) == 2


def test_settled_receipts_are_not_read_again(tmp_path):
    cache = ReceiptCache()
    with building(tmp_path, clips=2):
        ends(tmp_path, 0, Outcome.GENERATED)
        settle(tmp_path)
        before = list(cache.read(tmp_path))
        clip_files(tmp_path, f"{0:024x}").receipt.write_text("written in place, which nothing of ours does")
        settle(tmp_path)
        assert list(cache.read(tmp_path)) == before
