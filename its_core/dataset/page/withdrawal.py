"""Takes recalled clips out of a version's page: posters, prompts and boxes go, a note stays."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from typing import Any

from its_core.dataset.page.render import as_script

_DATA_BEGINS, _DATA_ENDS = '<script type="application/json" id="data">', "</script>"
_NOTE_BEGINS, _NOTE_ENDS = '<p class="mark" id="recalled">', "</p>\n"
_BEFORE_NOTE = "</h1>\n"


def without_clips(html: str, clip_ids: Collection[str], left: int, missing: Iterable[list[Any]]) -> str:
    """The page without clips that were recalled since it was made.

    Args:
        clip_ids: all that were recalled from the version.
        left: how many clips the version still has.
        missing: rows for the table of what is not there: manifest row, scenario, outcome, column, value, reason.
    """
    before, _, rest = html.partition(_DATA_BEGINS)
    packed, _, after = rest.partition(_DATA_ENDS)
    data: dict[str, Any] = json.loads(packed)
    data["clips"] = [clip for clip in data["clips"] if clip["id"] not in clip_ids]
    data["missing"] += [row for row in missing if row not in data["missing"]]
    data["total"] = left
    note = f"{_NOTE_BEGINS}{len(clip_ids):,} clips were recalled since. The charts still count them.{_NOTE_ENDS}"
    start, _, old_note = before.partition(_NOTE_BEGINS)
    if old_note:
        before = start + old_note.partition(_NOTE_ENDS)[2]
    before = before.replace(_BEFORE_NOTE, _BEFORE_NOTE + note, 1)
    return before + _DATA_BEGINS + as_script(data) + _DATA_ENDS + after
