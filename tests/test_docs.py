"""The pages keep up with the code."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from its_flows.cli.main import app

from its_core.clip import Outcome
from its_core.dataset.formats import FORMATS
from its_core.definition import Definition

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(
    path
    for folder in ("", "docs", "docs/decisions", "benchmarks", "examples", "examples/real_frames", ".github")
    for path in (ROOT / folder).glob("*.md")
)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_FENCED = re.compile(r"```.*?```", re.DOTALL)
_COMMAND = re.compile(r"^(?:[A-Z_]+=\S+ )*its ([a-z][a-z-]+)", re.MULTILINE)


def commands() -> set[str]:
    return {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}


def test_the_readme_is_short():
    assert README.count("\n") <= 130


def test_the_page_of_post_trainings_keys_is_its_definitions_own():
    page = runpy.run_path(str(ROOT / "docs" / "configuration.py"))["post_training_page"]()
    assert (ROOT / "docs" / "post_training_keys.md").read_text(encoding="utf-8") == page, "run `make docs`"


def test_the_page_of_keys_is_the_definitions_own():
    page = runpy.run_path(str(ROOT / "docs" / "configuration.py"))["page"]()
    written = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert written == page, "run `make docs`"
    for name, field in Definition.model_fields.items():
        assert field.exclude or re.search(rf"^\| `{name}(\.\w+)?` \|", page, re.MULTILINE), name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path):
    for link in _LINK.findall(page.read_text(encoding="utf-8")):
        if link.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor and target.suffix == ".md":
            assert anchor in anchors(target), f"{page.name}: {link}"


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_code_exist(page: Path):
    text = page.read_text(encoding="utf-8")
    blocks, inline = _FENCED.findall(text), re.findall(r"`([^`\n]+)`", _FENCED.sub("", text))
    typed = {command for code in [*blocks, *inline] for command in _COMMAND.findall(code)}
    assert typed <= commands()


def test_every_line_of_the_fault_table_is_a_test():
    faults = runpy.run_path(str(ROOT / "benchmarks" / "faults.py"), run_name="faults")["FAULTS"]
    page = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    _, _, table = page.partition("| fault | how it is injected | runs | what was lost |\n|---|---|--:|---|\n")
    rows = re.sub(r" \| \d+ \| ", " | N | ", table.partition("\n\n")[0]).splitlines()
    assert rows == [fault.row("N") for fault in faults]
    for fault in faults:
        for test in fault.tests:
            file, _, function = test.partition("::")
            assert f"def {function}(" in (ROOT / "tests" / f"{file}.py").read_text(encoding="utf-8"), test


def test_every_format_is_a_row_with_a_library_of_that_version_and_a_test():
    rows = _table_rows("docs/formats.md", columns=5)
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "dataset").rglob("test_*.py"))
    pins = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().lower().split() if "==" in line)
    assert {row[0].strip("`") for row in rows} == {"(a version itself)", *FORMATS}
    for name, _, reader, _, test in rows:
        assert f"def {test.strip('`')}(" in tests, name
        if library := re.match(r"`([\w-]+)` ([\d.]+)", reader):
            pinned = pins.get(library[1]) or pins[library[1].replace("-", "_")]
            assert f"{pinned}.".startswith(f"{library[2]}."), name
        else:
            assert reader.startswith("golden test"), name


def _table_rows(page: str, columns: int) -> list[list[str]]:
    """The cells of a page's tables of so many columns, without their heads."""
    lines = [line for line in (ROOT / page).read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    rule = next(number for number, row in enumerate(rows) if set("".join(row)) <= {"-", ":"})
    return [row for row in rows[rule + 1 :] if len(row) == columns]


def test_every_command_and_every_receipt_is_on_some_page():
    pages = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    for command in commands():
        assert re.search(rf"\bits {command}\b", pages), command
    for outcome in Outcome:
        assert f"`{outcome.value}`" in pages, outcome
