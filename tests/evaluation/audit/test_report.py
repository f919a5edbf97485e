"""The audit as a part of a version's report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from its_core.dataset.publish import Published, publish
from its_core.dataset.reader import open_version
from its_core.dataset.verification import verify
from its_core.evaluation.audit import report
from tests.dataset import samples


def test_few_clips_are_not_audited_and_the_report_says_why(mixed: Published, tmp_path: Path) -> None:
    report.write(Path(mixed.url), "mixed/1", tmp_path)
    figures = json.loads((tmp_path / report.JSON_FILE).read_text())
    assert figures["shortcuts"] == []
    assert figures["not_audited"].startswith("4 clips")
    assert {line["what"]: line["here"] for line in figures["lines"]}["clips in which nothing moves in view"] == 0.0
    assert "4 clips: classifiers need 40" in (tmp_path / report.PAGE_FILE).read_text()


def test_a_reason_names_the_version_and_not_where_it_was_made(
    mixed: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "FEWEST_CLIPS", 1)
    monkeypatch.setattr(report, "MOST_CLIPS", 1)  # of one camera
    report.write(Path(mixed.url), "mixed/1", tmp_path)
    figures = json.loads((tmp_path / report.JSON_FILE).read_text())
    assert figures["not_audited"].startswith("mixed/1: an audit needs")
    assert mixed.url not in (tmp_path / report.PAGE_FILE).read_text()


@pytest.mark.slow
def test_the_page_and_the_json_have_the_same_findings(
    mixed: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "FEWEST_CLIPS", 4)
    report.write(Path(mixed.url), "mixed/1", tmp_path)
    figures = json.loads((tmp_path / report.JSON_FILE).read_text())
    assert figures["not_audited"] == ""
    assert {finding["kind"] for finding in figures["shortcuts"]} == {"pixels", "truth", "metadata"}
    page = (tmp_path / report.PAGE_FILE).read_text()
    assert all(f"<td>{finding['looks_at']}</td>" in page for finding in figures["shortcuts"])


def test_of_many_clips_some_are_drawn_always_the_same(
    mixed: Published, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "MOST_CLIPS", 3)
    pages = set()
    for _ in range(2):
        report.write(Path(mixed.url), "mixed/1", tmp_path)
        pages.add((tmp_path / report.PAGE_FILE).read_text())
    assert len(pages) == 1
    assert "3 of 4 clips, drawn at random" in pages.pop()


def test_a_version_links_to_its_audit_and_vouches_for_it(work: Path, clips: list, tmp_path: Path) -> None:
    dataset = samples.dataset(tmp_path)
    rejected, run = samples.rejected(work), samples.run_of(work)
    published = publish(clips, dataset, rejected, run, tmp_path / "work", write_audit=report.write)
    version = Path(published.url)
    assert 'href="report/audit.html"' in (version / "index.html").read_text()
    assert not verify(open_version(published.url))
    (version / "report" / report.JSON_FILE).write_text("{}")
    assert verify(open_version(published.url))


@pytest.mark.system
def test_a_build_loads_neither_torch_nor_scikit_learn_before_it_needs_them() -> None:
    code = "import sys, its_flows.build_dataset; print({'torch', 'sklearn', 'cv2', 'panda3d'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "set()", done.stdout + done.stderr
