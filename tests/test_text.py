"""Text that others wrote is shown in printable characters."""

import pytest

from its_core.text import one_line, refuse_invisible, short


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\nb\x1b", "a\\nb\\x1b"),
        ("é", "é"),
        ("\udcff", "\\udcff"),
        (3.5, "3.5"),
        ("x" * 81, "x" * 79 + "…"),
        (" a ", " a "),
    ],
)
def test_short_text_is_printable(value, shown):
    assert short(value) == shown


def test_one_line_has_one_blank_between_words():
    assert one_line(" a\n\tb \x1b[31m") == "a b \\x1b[31m"


@pytest.mark.parametrize("text", ["a\x00", "a\x85", "a\u2028", "a\u202e", "a\udcff"])
def test_what_cannot_be_seen_is_refused(text):
    with pytest.raises(ValueError, match="at character 1"):
        refuse_invisible(text)
    refuse_invisible("a\tb\nü")
