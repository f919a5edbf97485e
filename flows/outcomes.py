"""Whether a build may go on, and what it came to, from its receipts and rejected rows."""

from __future__ import annotations

from collections import Counter

from its_tasks.clip_table import ClipTable
from its_tasks.render import describe

from its_core.clip import Outcome
from its_core.definition import Definition, too_many_rejected
from its_core.scenarios.manifest import ManifestError
from its_core.shards.plan import Plan
from its_core.shards.receipts import TooFewClips

_MOST_NAMED = 100  # failures named one by one; all are in the receipts


def refuse_too_many_rejected(definition: Definition, plan: Plan) -> None:
    """Raises ManifestError when too many rows of the manifest cannot be made: nothing is rendered then."""
    rejected = len({rejection.row for rejection in plan.rejections})
    if too_many_rejected(rejected, plan.rows, definition.max_rejected_ratio):
        first = plan.rejections[0]
        raise ManifestError(
            f"{definition.manifest}: {rejected:,} of {plan.rows:,} rows rejected ({rejected / plan.rows:.1%}), "
            f"max_rejected_ratio is {definition.max_rejected_ratio:.1%}; the first, row {first.row}"
            f"{f', {first.column}' if first.column else ''}: {first.reason}; `its check` names them all",
            code="manifest.too_many_rejected",
        )


def refuse_too_few(definition: Definition, clips: ClipTable) -> None:
    """Raises TooFewClips when too few clips were made for a version to be published."""
    receipts = [receipt for receipt in clips.in_order() if receipt.outcome is not Outcome.RECALLED]
    failed = [receipt for receipt in receipts if not receipt.outcome.made_a_clip]
    ratio = 1 - len(failed) / max(1, len(receipts))
    if ratio < definition.min_success_ratio:
        named = "\n  ".join(describe(receipt) for receipt in failed[:_MOST_NAMED])
        raise TooFewClips(
            f"{len(failed)} of {len(receipts)} clips were not made: {ratio:.1%} succeeded, min_success_ratio is "
            f"{definition.min_success_ratio:.1%}; nothing is published\n  {named}"
        )


def count_outcomes(plan: Plan, clips: ClipTable, before: frozenset[str]) -> dict[Outcome, int]:
    """How many clips and rejected rows ended how. ``before`` are the clips that were there when the build began."""
    outcomes = Counter(
        Outcome.REUSED if receipt.clip_id in before and receipt.outcome.made_a_clip else receipt.outcome
        for receipt in clips.in_order()
    )
    outcomes[Outcome.REJECTED_INPUT] += len(plan.rejections)
    return dict(outcomes)
