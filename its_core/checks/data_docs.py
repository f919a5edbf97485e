"""Great Expectations' Data Docs as one page that needs no network.

Their own page loads scripts, styles, fonts and logos from third parties. Without a network it is blank, and with one
every visit is reported to them. This page has the same content and a style sheet of its own.
"""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

from its_core.storage import replacing

PAGE_FILE = "index.html"
_STYLE_FILE = Path(__file__).with_name("data_docs.css")
# Elements that load something, run something, or only make sense with Great Expectations' scripts.
_REMOVED = (
    re.compile(r"<script\b.*?</script\s*>", re.DOTALL | re.IGNORECASE),
    re.compile(r"<style\b.*?</style\s*>", re.DOTALL | re.IGNORECASE),
    re.compile(r"<(?:link|img)\b[^>]*>", re.IGNORECASE),
    re.compile(r"<nav\b.*?</nav\s*>\s*(?:</nav\s*>)?", re.DOTALL | re.IGNORECASE),
    re.compile(r"<footer\b.*?</footer\s*>", re.DOTALL | re.IGNORECASE),
    re.compile(r"<!--.*?-->", re.DOTALL),
)
# The expectations stand in this page; their own page is not written.
_SUITE_LINK = re.compile(r"<a\b[^>]*\bhref=\"[^\"]*expectations/[^>]*>(.*?)</a>", re.DOTALL)


def write_page(folder: Path, result: Any) -> None:
    """Writes ``<folder>/index.html`` from an ``ExpectationSuiteValidationResult``."""
    renderers = importlib.import_module("great_expectations.render.renderer")
    views = importlib.import_module("great_expectations.render.view")
    document = renderers.ValidationResultsPageRenderer(run_info_at_end=True).render(result)
    page = views.DefaultJinjaPageView().render(document)
    with replacing(folder / PAGE_FILE) as part:
        part.write_text(_self_contained(page), encoding="utf-8")


def _self_contained(page: str) -> str:
    page = _SUITE_LINK.sub(r"\1", page)
    for pattern in _REMOVED:
        page = pattern.sub("", page)
    style = _STYLE_FILE.read_text(encoding="utf-8")
    head, title, rest = page.partition("</head>")
    return f"{head}<style>\n{style}</style>\n{title}{rest}"
