"""Text that others wrote, made safe to show."""

from __future__ import annotations


def one_line(text: str) -> str:
    """``text`` in a line of printable characters: none colours a terminal, moves its cursor or turns its direction."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(text.split()))
