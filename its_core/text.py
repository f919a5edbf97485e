"""Text that others wrote, made safe to show."""

from __future__ import annotations

import html
import re

# Controls but newline and tab, line and paragraph separators, marks that turn the reading direction, and lone
# surrogates, which stand for bytes that are not UTF-8.
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def one_line(text: str) -> str:
    """``text`` in a line of printable characters: none colours a terminal, moves its cursor or turns its direction."""
    return printable(" ".join(text.split()))


def short(value: object, limit: int = 80) -> str:
    """``value`` as printable text of at most ``limit`` characters (and what escapes add), blanks as they are."""
    text = str(value)
    return printable(text if len(text) <= limit else text[: limit - 1] + "…")


def markdown_cell(text: object) -> str:
    """Text that can neither leave a Markdown table's cell nor become HTML, a link or code."""
    plain = html.escape(" ".join(str(text).split()), quote=False)
    escaped = "".join(f"\\{character}" if character in "|`[]*_\\#~$" else character for character in plain)
    return "\\" + escaped if escaped.startswith(("-", "+", "=")) else escaped  # no list, rule or heading


def printable(text: str) -> str:
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def refuse_invisible(value: str, also: str = "") -> None:
    """Raises ValueError where ``value`` has a character that cannot be seen or written, or one of ``also``."""
    found = _INVISIBLE.search(value)
    wrong = found.group() if found else next((c for c in value if c in also), None)
    if wrong is not None:
        what = "bytes that are not UTF-8" if "\ud800" <= wrong <= "\udfff" else f"the control character {wrong!r}"
        raise ValueError(f"has {what} at character {value.index(wrong)}; write plain text")
