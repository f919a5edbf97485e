"""``its audit``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from its_flows.cli.app import app, errors_in_a_line, out
from rich.table import Table

from its_core import storage


@app.command(epilog="Example: its audit published/quickstart", rich_help_panel="What a version is worth")
def audit(
    version: Annotated[str, typer.Argument(help="A version or dataset, or a folder with ACCIDENT's labels.")],
    output: Annotated[Path | None, typer.Option(help="Write the figures as JSON, too.")] = None,
) -> None:
    """Look for what gives crashes away: classifiers that must not work, and how times, sizes and places lie."""
    with errors_in_a_line():
        from its_core.evaluation.audit import distributions, report
        from its_core.evaluation.ground_truth import open_truth

        truth = open_truth(version)
        findings = report.found(truth)
        lines = distributions.lines(truth)
        if output is not None:
            figures = report.as_json(truth, findings, lines)
            storage.write_bytes(str(output.resolve()), json.dumps(figures, allow_nan=False, indent=1).encode())
    table = Table(title=f"How well a crash is guessed on unseen cameras: {truth.name}", title_justify="left")
    for column in ("from", "looking at", "AUC", "95 % interval", ""):
        table.add_column(column)
    for finding in findings:
        auc = finding.auc
        interval = f"{auc.low:.2f} to {auc.high:.2f}" if auc.low is not None and auc.high is not None else "–"
        value = "–" if auc.value is None else f"{auc.value:.2f}"
        table.add_row(finding.kind, finding.looks_at, value, interval, "a shortcut" if finding.suspect else "")
    out.print(table)
    lying = Table(title="Distributions", title_justify="left")
    for column in ("", "here", "real cameras"):
        lying.add_column(column)
    for line in lines:
        lying.add_row(line.what, *("–" if value is None else f"{value:.3f}" for value in (line.here, line.real)))
    out.print(lying)
