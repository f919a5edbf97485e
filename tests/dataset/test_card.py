"""The dataset card: counts that agree with the rows, and nothing that the manifest or the definition smuggled in."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import yaml

from its_core.dataset import card
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.labels.label_rows import row
from its_core.dataset.labels.metadata import schema
from its_core.dataset.publish import Published
from tests.dataset import samples


def _render(counts: card.Counts, description: str = "", license_: str = "other", extra: tuple[str, ...] = ()) -> str:
    return card.render(
        name="sample",
        description=description,
        license_=license_,
        geometry=samples.GEOMETRY,
        engine=samples.SIMULATOR,
        counts=counts,
        rejected=0,
        columns=schema(pa.field(name, pa.string(), metadata={"description": f"column {name}"}) for name in extra),
    )


def test_counts(published: Published) -> None:
    text = Path(published.url, "README.md").read_text(encoding="utf-8")

    assert "| train | 2 |\n| val | 1 |\n| test | 1 |\n| **all** | **4** |" in text
    assert "| normal\\_traffic | 0 | 0 | 1 | 1 |" in text
    assert "| `weather` |  | 4 |  |" in text
    assert "| `aftermath` |  |  | 4 |" in text
    assert "could not be made: 1 (`rejected.parquet`)" in text


def test_the_front_matter_is_yaml(published: Published) -> None:
    _, front, _ = Path(published.url, "README.md").read_text(encoding="utf-8").split("---\n", 2)

    found = yaml.safe_load(front)

    assert (found["pretty_name"], found["license"]) == ("sample", "cc-by-4.0")
    assert [each["split"] for each in found["configs"][0]["data_files"]] == ["train", "val", "test"]


def test_only_sources_that_occur_have_a_column(tmp_path: Path) -> None:
    counts = card.Counts()
    counts.add(row(samples.finished(tmp_path, 0), samples.COSMOS))

    assert "| label | requested | no value |" in _render(counts)


def test_what_others_wrote_cannot_leave_its_place(clips: list[FinishedClip]) -> None:
    counts = card.Counts()
    counts.add(row(clips[0], samples.SIMULATOR))

    text = _render(
        counts,
        description="<script>alert(1)</script> [x](javascript:alert(2))\n\n# Heading | cell",
        license_='other"\nevil: true #',
        extra=("a`|<b>\nc",),
    )

    assert "<script>" not in text
    assert "[x](" not in text
    assert "\n# Heading" not in text
    assert yaml.safe_load(text.split("---\n", 2)[1]).keys() == {
        "pretty_name",
        "license",
        "task_categories",
        "tags",
        "configs",
    }
    assert "| `a'¦<b> c` |" in text
