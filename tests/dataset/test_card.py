"""The dataset card: counts that agree with the rows, and nothing that the manifest or the definition smuggled in."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import yaml

from its_core.dataset import card
from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.labels.counts import Counts
from its_core.dataset.labels.label_rows import row
from its_core.dataset.labels.metadata import schema
from its_core.dataset.publish import Published
from its_core.dataset.versions.content import VersionContent
from tests.dataset import samples


def _render(counts: Counts, description: str = "", license_: str = "other", extra: tuple[str, ...] = ()) -> str:
    columns = schema(pa.field(name, pa.string(), metadata={"description": f"column {name}"}) for name in extra)
    content = VersionContent("0" * 12, counts, [None], rejected=0, failed=0, columns=columns)
    return card.render(samples.dataset(Path(), description=description, license=license_), content)


def test_counts(published: Published) -> None:
    text = Path(published.url, "README.md").read_text(encoding="utf-8")

    assert "| train | 2 |\n| val | 1 |\n| test | 1 |\n| **all** | **4** |" in text
    assert "| normal\\_traffic | 0 | 0 | 1 | 1 |" in text
    assert "| `weather` |  | 4 |  |" in text
    assert "| `aftermath` |  |  | 4 |" in text
    assert "1 rejected rows, 0 failed clips (`rejected.parquet`)" in text


def test_the_front_matter_is_yaml(published: Published) -> None:
    _, front, _ = Path(published.url, "README.md").read_text(encoding="utf-8").split("---\n", 2)

    found = yaml.safe_load(front)

    assert (found["pretty_name"], found["license"]) == ("sample", "cc-by-4.0")
    assert [each["split"] for each in found["configs"][0]["data_files"]] == ["train", "val", "test"]


def test_the_hub_knows_the_licence() -> None:
    def found(license_: str) -> tuple[str, str | None]:
        front = yaml.safe_load(card.front_matter(samples.dataset(Path(), license=license_), {"train": 3}))
        return front["license"], front.get("license_name")

    assert found("CC-BY-4.0") == ("cc-by-4.0", None)
    assert found("our own terms") == ("other", "our own terms")


def test_only_sources_that_occur_have_a_column(tmp_path: Path) -> None:
    counts = Counts()
    counts.add(row(samples.finished(tmp_path, 0), samples.COSMOS))

    assert "| label | requested | no value |" in _render(counts)


def test_what_others_wrote_cannot_leave_its_place(clips: list[FinishedClip]) -> None:
    counts = Counts()
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
        "license_name",
        "size_categories",
        "task_categories",
        "tags",
        "configs",
    }
    assert "| `a'¦<b> c` |" in text
