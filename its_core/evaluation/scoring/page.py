"""A report as one HTML page that needs no network: tables, and curves as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from its_core.evaluation.scoring.bootstrap import Estimate
from its_core.evaluation.scoring.score import Part, Report

NAMES = {
    "when": "when",
    "where": "where",
    "what": "what",
    "total": "total",
    "auc": "AUC",
    "average_precision": "AP",
    "false_alarms_per_hour_at_recall_0.8": "false alarms an hour at recall 0.8",
    "nexar_ap_500ms": "Nexar AP, 500 ms before",
    "nexar_ap_1000ms": "Nexar AP, 1,000 ms before",
    "nexar_ap_1500ms": "Nexar AP, 1,500 ms before",
    "nexar_map": "Nexar mAP",
    "box_ap_50": "box AP at 0.5",
    "box_ap": "box AP at 0.5 to 0.95",
    "track_ap_50": "track AP at 0.5",
}
_AXES = {
    "roc": ("ROC", "false positive rate", "true positive rate"),
    "precision_recall": ("Precision and recall", "recall", "precision"),
}
_SIZE, _MARGIN = 260, 40


def shown(estimate: Estimate | None, *, interval: bool = True) -> str:
    """A score and its interval as text."""
    if estimate is None or estimate.value is None:
        return "–"
    if not interval or estimate.low is None or estimate.high is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"


def render(reports: Sequence[Report]) -> str:
    """One page for one detector or for several over the same clips."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("its_core.evaluation.scoring", "."), autoescape=True)
    rows: list[tuple[str, str, list[tuple[Report, Part | None]]]] = [
        ("all", "", [(report, report.overall) for report in reports])
    ]
    for division, parts in _divisions(reports).items():
        rows += [(division, value, [(r, r.strata.get(division, {}).get(value)) for r in reports]) for value in parts]
    scores = [name for name in NAMES if any(name in report.overall.scores for report in reports)]
    return environment.get_template("page.html.j2").render(
        reports=reports, rows=rows, scores=scores, names=NAMES, shown=shown, figures=_figures(reports)
    )


def _divisions(reports: Sequence[Report]) -> Mapping[str, list[str]]:
    found: dict[str, dict[str, None]] = {}
    for report in reports:
        for division, parts in report.strata.items():
            found.setdefault(division, {}).update(dict.fromkeys(parts))
    return {division: list(parts) for division, parts in found.items()}


def _figures(reports: Sequence[Report]) -> list[dict[str, object]]:
    figures = []
    for name, (title, across, up) in _AXES.items():
        lines = [(report.predictions, _path(report.lines[name])) for report in reports if name in report.lines]
        if lines:
            figures.append({"title": title, "across": across, "up": up, "lines": lines, "size": _SIZE, "edge": _MARGIN})
    return figures


def _path(points: Sequence[tuple[float, float]]) -> str:
    """SVG's points, from shares of the figure's inner square."""
    inner = _SIZE - 2 * _MARGIN
    return " ".join(f"{_MARGIN + x * inner:.1f},{_SIZE - _MARGIN - y * inner:.1f}" for x, y in points)
