"""Data Docs are one page that loads nothing."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

from its_core.checks.measures import table
from its_core.checks.suite import validate
from tests.checks.test_suite import GEOMETRY, GOOD


class _Page(HTMLParser):
    """Everything that a browser would fetch or run, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in {"script", "link", "img", "iframe", "object", "embed"} or "src" in values:
            self.loads.append(tag)
        if tag == "a" and not (values.get("href") or "#").startswith("#"):
            self.loads.append(str(values["href"]))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_loads_nothing_and_says_what_was_checked(tmp_path: Path) -> None:
    clips = {"a": GOOD, "b": replace(GOOD, black_frames=7)}

    validate(table(clips), list(clips), GEOMETRY, tmp_path)

    source = (tmp_path / "index.html").read_text(encoding="utf-8")
    page = _Page(source)
    assert page.loads == []
    assert "url(" not in source
    assert "black_frames" in page.text
    assert "values must be less than or equal to" in page.text
    assert "fa-times" in source  # the mark of a failed expectation, which the style sheet spells out
