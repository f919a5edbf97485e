"""What a build knows of its clips: their receipts and measures, read from the disk once and then kept up to date."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

from its_core.checks import ledger
from its_core.checks.measures import Measures
from its_core.errors import FactoryError
from its_core.shards.plan import Plan
from its_core.shards.receipts import Receipt, clip_files


class ClipsRemoved(FactoryError, RuntimeError):
    """Clips were removed from the work folder while the build ran; the message names one."""

    default_code = "build.clips_removed"


class ClipTable:
    """Receipts and measures of a plan's clips. ``update`` may be called from any thread."""

    def __init__(self, work: Path, plan: Plan) -> None:
        self.work = work
        self._clip_ids = plan.clip_ids
        self._receipts: dict[str, Receipt] = {}
        self._measures: dict[str, Measures] = {}
        self._lock = threading.Lock()
        for clip_id in plan.clip_ids:
            files = clip_files(work, clip_id)
            if (receipt := files.valid_receipt()) is None:
                continue
            self._receipts[clip_id] = _without_request(receipt)
            if receipt.outcome.made_a_clip and (measures := ledger.read(files, receipt)) is not None:
                self._measures[clip_id] = measures

    def receipt(self, clip_id: str) -> Receipt | None:
        with self._lock:
            return self._receipts.get(clip_id)

    def measures(self, clip_id: str) -> Measures | None:
        return self._measures.get(clip_id)

    def update(self, receipt: Receipt) -> None:
        with self._lock:
            self._receipts[receipt.clip_id] = _without_request(receipt)
            self._measures.pop(receipt.clip_id, None)

    def set_measures(self, clip_id: str, measures: Measures) -> None:
        self._measures[clip_id] = measures

    def made(self) -> frozenset[str]:
        """The clips that are there."""
        with self._lock:
            return frozenset(clip_id for clip_id, r in self._receipts.items() if r.outcome.made_a_clip)

    def without_receipt(self) -> list[int]:
        """Indices of the clips without a receipt."""
        return [index for index, clip_id in enumerate(self._clip_ids) if self.receipt(clip_id) is None]

    def missing(self) -> list[int]:
        """Indices of the clips that are not there and that another attempt may bring."""
        return [index for index, clip_id in enumerate(self._clip_ids) if _may_be_made(self.receipt(clip_id))]

    def unmeasured(self) -> list[int]:
        """Indices of the clips that were made and not measured since."""
        made = self.made()
        return [i for i, clip_id in enumerate(self._clip_ids) if clip_id in made and clip_id not in self._measures]

    def in_order(self) -> Iterator[Receipt]:
        """A receipt for every clip, in the plan's order. Raises ClipsRemoved where one has none, or a clip that was
        made is gone."""
        for clip_id in self._clip_ids:
            receipt = self.receipt(clip_id)
            files = clip_files(self.work, clip_id)
            if receipt is None or not files.matches(receipt):
                raise ClipsRemoved(
                    f"{files.video}: was removed during the build; build again, and it starts with what is left"
                )
            yield receipt


def _without_request(receipt: Receipt) -> Receipt:
    """The plan has it; a million of them are not to be held twice."""
    return receipt.model_copy(update={"made_from": None})


def _may_be_made(receipt: Receipt | None) -> bool:
    return receipt is None or receipt.can_be_retried
