"""Advice for a person whose word is not one that is known here."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum

from its_core.text import short

# What programs write as text where they have no value (pandas, R, SQL, JavaScript, spreadsheets).
_NOTHING = {"none", "nan", "-nan", "null", "(null)", "\\n", "<na>", "na", "n/a", "#n/a", "#na", "nil", "undefined"}


def is_word_for_nothing(value: str) -> bool:
    return value.lower() in _NOTHING or value == "NaT"


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed word most like ``word`` (case, blanks and hyphens aside), None when nothing comes close."""
    by_folded = {_folded(candidate): candidate for candidate in allowed}
    matches = difflib.get_close_matches(_folded(word), by_folded, n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else None


def advice(word: str, vocabulary: type[StrEnum], elsewhere: str = "") -> str:
    """Why ``word`` cannot stand here, the word probably meant, and all that may."""
    allowed = [member.value for member in vocabulary]
    close = nearest(word[:100], allowed)
    meant = f"; did you mean {close!r}?" if close else "."
    return f"{short(word)!r} is not a known word{elsewhere}{meant} Allowed: {', '.join(allowed)}"


def _folded(word: str) -> str:
    return word.strip().lower().replace("-", "_").replace(" ", "_")
