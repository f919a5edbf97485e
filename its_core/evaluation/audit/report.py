"""The audit as a part of a version's report: one page without scripts, and the same figures as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from its_core.evaluation import ground_truth
from its_core.evaluation.audit import distributions, shortcuts
from its_core.evaluation.audit.distributions import Line
from its_core.evaluation.audit.shortcuts import AuditError, Finding
from its_core.evaluation.ground_truth import GroundTruth

PAGE_FILE = "audit.html"
JSON_FILE = "audit.json"
FEWEST_CLIPS = 40  # of fewer, the intervals are so wide that they say nothing
MOST_CLIPS = 240  # every one is decoded; more make the intervals little narrower


def write(version: Path, name: str, folder: Path) -> None:
    """Audits the clips of a version's local folder and writes ``audit.html`` and ``audit.json`` into ``folder``.

    Of more than 240 clips, 240 are drawn, always the same ones. A version that cannot be audited has a page that says
    why.
    """
    from jinja2 import Environment, PackageLoader

    truth = ground_truth.of_folder(version, name)
    total = len(truth.clips)
    truth = _drawn(truth)
    lines = distributions.lines(truth)
    findings: list[Finding] = []
    try:
        if total < FEWEST_CLIPS:
            too_few = f"{total} clips: classifiers need {FEWEST_CLIPS} or more to say anything"
            raise AuditError(too_few, code="audit.too_few")
        findings = found(truth)
        why_not = ""
    except AuditError as error:
        why_not = str(error)
    report = as_json(truth, findings, lines) | {"clips": len(truth.clips), "of": total, "not_audited": why_not}
    (folder / JSON_FILE).write_text(json.dumps(report, allow_nan=False, indent=1) + "\n", encoding="utf-8")
    environment = Environment(loader=PackageLoader("its_core.evaluation.audit", "."), autoescape=True)
    page = environment.get_template("page.html.j2")
    text = page.render(name=name, clips=len(truth.clips), total=total, findings=findings, lines=lines, why_not=why_not)
    (folder / PAGE_FILE).write_text(text, encoding="utf-8")


def found(truth: GroundTruth) -> list[Finding]:
    """The classifiers' findings, the strongest first. Raises as ``shortcuts.audit`` does."""
    return sorted(shortcuts.audit(truth), key=lambda finding: -(finding.auc.value or 0))


def as_json(truth: GroundTruth, findings: Sequence[Finding], lines: Sequence[Line]) -> dict[str, Any]:
    return {"truth": truth.name, "shortcuts": [asdict(f) for f in findings], "lines": [asdict(line) for line in lines]}


def _drawn(truth: GroundTruth) -> GroundTruth:
    if len(truth.clips) <= MOST_CLIPS:
        return truth
    chosen = sorted(np.random.default_rng(0).choice(len(truth.clips), MOST_CLIPS, replace=False))
    return GroundTruth(truth.name, truth.url, tuple(truth.clips[place] for place in chosen))
