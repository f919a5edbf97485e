"""Fills the page's template. Style, script, posters, boxes and labels are in the page itself: it loads no other file
but the clips beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import jinja2
import pyarrow.parquet as pq

from its_core.clip import Geometry
from its_core.dataset.finished_clip import FailedClip, FinishedClip
from its_core.dataset.layout import REJECTED_FILE
from its_core.dataset.page.charts import Charts
from its_core.dataset.page.clip_entry import POSTER_WIDTH_PX, clip_entry
from its_core.dataset.versions.content import Dataset, VersionContent
from its_core.shards import processors

# Each is about 10 KB of the page. Those beyond are in the version, the charts and the tables, not in the gallery.
MOST_CLIPS = 2000
MOST_MISSING = 1000


def render(
    dataset: Dataset,
    content: VersionContent,
    clips: Iterable[FinishedClip],
    failed: Iterable[FailedClip],
    rejected: Iterable[dict[str, Any]],
    *,
    has_audit: bool = False,
) -> str:
    """The page as HTML. ``clips`` is iterated once, ``rejected`` are the rows of ``rejected.parquet``. ``has_audit``:
    the version's report has an audit to link to."""
    charts = Charts()
    with ThreadPoolExecutor(processors.available()) as pool:  # posters are decoded
        futures = []
        for number, clip in enumerate(clips):
            charts.add(clip)
            if number < MOST_CLIPS:
                futures.append(pool.submit(clip_entry, clip, dataset))
        entries = [future.result() for future in futures]
    for each in failed:
        charts.add_failed(each)
    missing = list(islice(rejected, MOST_MISSING))
    return _page(dataset, content, entries, charts.as_bars(missing), missing, has_audit)


def _page(
    dataset: Dataset,
    content: VersionContent,
    entries: list[dict[str, Any]],
    charts: list[dict[str, Any]],
    missing: list[dict[str, Any]],
    has_audit: bool,
) -> str:
    geometry, total = dataset.geometry, len(content.incidents)
    data = {
        "size": [geometry.width_px, geometry.height_px],
        "poster": [POSTER_WIDTH_PX, poster_height_px(geometry)],
        "total": total,
        "clips": entries,
        "charts": charts,
        "missing": [
            [each[name] for name in ("row", "scenario_id", "outcome", "column", "value", "reason")] for each in missing
        ],
    }
    splits = ", ".join(f"{count:,} {split}" for split, count in sorted(content.counts.clips.items()))
    summary = (
        f"{total:,} clips ({splits}) of {geometry.frames} frames at {geometry.fps} a second, "
        f"{geometry.width_px} × {geometry.height_px} pixels, made by the engine {dataset.engine.name} "
        f"{dataset.engine.version}. Rows rejected: {content.rejected:,}. Clips failed: {content.failed:,}. "
        f"{dataset.description}"
    )
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("its_core.dataset", "page"), autoescape=False, undefined=jinja2.StrictUndefined
    )
    folder = Path(__file__).parent
    return environment.get_template("page.html.j2").render(
        title=f"{dataset.name}, version {content.version}",
        dataset=dataset.name,
        version=content.version,
        summary=summary,
        has_audit=has_audit,
        style=(folder / "page.css").read_text(encoding="utf-8"),
        script=(folder / "page.js").read_text(encoding="utf-8"),
        data=as_script(data),
    )


def poster_height_px(geometry: Geometry) -> int:
    return round(POSTER_WIDTH_PX * geometry.height_px / geometry.width_px)


def as_script(value: object) -> str:
    """JSON that cannot end the script element it is in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def missing_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of ``rejected.parquet`` in a version's folder."""
    rows: list[dict[str, Any]] = pq.read_table(folder / REJECTED_FILE).to_pylist()
    return rows
