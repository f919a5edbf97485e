"""Text that others wrote, made safe to show."""

from __future__ import annotations


def one_line(text: str) -> str:
    """``text`` in a line of printable characters: none colours a terminal, moves its cursor or turns its direction."""
    return printable(" ".join(text.split()))


def short(value: object, limit: int = 80) -> str:
    """``value`` as printable text of at most ``limit`` characters (and what escapes add), blanks as they are."""
    text = str(value)
    return printable(text if len(text) <= limit else text[: limit - 1] + "…")


def printable(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
