"""Matching manifest words against the taxonomy, with the advice a person needs when one does not match."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import StrEnum


def nearest(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed word most like ``word`` (case, blanks and hyphens aside), None when nothing comes close."""
    by_folded = {_folded(candidate): candidate for candidate in allowed}
    matches = difflib.get_close_matches(_folded(word), by_folded, n=1, cutoff=0.6)
    return by_folded[matches[0]] if matches else None


def advice(word: str, vocabulary: type[StrEnum]) -> str:
    """Why ``word`` cannot stand here, the word probably meant, and all that may."""
    allowed = [member.value for member in vocabulary]
    close = nearest(word[:100], allowed)
    meant = f"; did you mean {close!r}?" if close else "."
    return f"{short(word)!r} is not a known word{meant} Allowed: {', '.join(allowed)}"


def short(value: object, limit: int = 80) -> str:
    """``value`` as printable text of at most ``limit`` characters, safe to show in a terminal or a table."""
    text = str(value)
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in cut)


def _folded(word: str) -> str:
    return word.strip().lower().replace("-", "_").replace(" ", "_")
