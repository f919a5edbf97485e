"""A manifest and a definition that nobody vouches for: what they say stays text, wherever it is shown."""

import asyncio
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
import yaml
from its_flows.build_dataset import build_dataset
from prefect.client.orchestration import get_client

from tests.system.conftest import Dataset, receipts, small

SCRIPT = "<script>alert('planted')</script>"
TEXTS = [
    f"{SCRIPT}<img src=x onerror=planted()>",
    "[planted](javascript:planted()) ![x](http://planted.example/x.png) | a | b |\n\n# planted\n---\nkey: planted",
    "$(touch planted) `touch planted`; touch planted\n--dit_path=/planted {{ planted }} {% planted %} ${planted}",
]
OUTSIDE = [
    "../../private.png",
    "/proc/self/environ",
    "file:///etc/passwd",
    "http://127.0.0.1:9/planted.png",
    "frames/../../private.png",
    "frames/link.png",
    "frames/%2e%2e/%2e%2e/private.png",
]


class Tags(HTMLParser):
    """What a browser would take for markup and code."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_script = tag == "script"
        self.told += [tag, *(f"{name}={value}" for name, value in attrs)]

    def handle_endtag(self, tag: str) -> None:
        self._in_script = self._in_script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.told.append(data)


@pytest.mark.usefixtures("prefect_server")
def test_what_others_wrote_is_published_as_text(tmp_path):
    keys = {"description": "--- " + " ".join(TEXTS), "license": f'"\nplanted: true # {SCRIPT} 😀', "retries": 0}
    folder = small(tmp_path, **keys, min_success_ratio=0.1, max_rejected_ratio=0.5)
    manifest = folder / "scenarios.parquet"
    rows = pd.read_parquet(manifest).assign(prompt=TEXTS, negative_prompt=TEXTS[::-1], file_name=TEXTS, path=TEXTS)
    rows = rows.assign(video="../planted.mp4", output_video="/planted.mp4")
    rows = pd.concat([rows, rows.iloc[:1].assign(scenario_id=SCRIPT), rows.iloc[:1].assign(scenario_id="../planted")])
    rows.to_parquet(manifest)
    built = build_dataset(str(folder))
    assert built.rows == 5

    version = Path(built.published.url)
    published = pd.concat([pd.read_parquet(path) for path in version.glob("*/metadata.parquet")])
    assert sorted(published["prompt"]) == sorted(TEXTS)  # nothing is lost either
    pages = list(version.glob("report/**/*.html"))
    assert pages
    for page in pages:
        tags = Tags()
        tags.feed(page.read_text(encoding="utf-8"))
        assert not [each for each in tags.told if "planted" in each], page
    _, front, card = (version / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    head = yaml.safe_load(front)
    assert head.keys() == {
        "pretty_name", "license", "license_name", "task_categories", "tags", "configs", "size_categories"
    }  # fmt: skip
    assert (head["license"], head["license_name"]) == ("other", keys["license"])
    assert "<script" not in card and "<img" not in card
    (said,) = [line for line in card.splitlines() if "touch planted" in line]
    assert said.startswith("\\-") and not re.search(r"(?<!\\)[\[`#|]", said)  # no list, rule, link, code or heading
    everywhere = [path.name for path in tmp_path.rglob("*planted*")]
    assert everywhere == [] and not Path("planted").exists()
    kept = asyncio.run(artifacts())
    assert kept
    assert "<script" not in json.dumps([artifact.model_dump(mode="json") for artifact in kept])
    assert set(receipts(folder)) == {"s0", "s1", "s2"}


async def artifacts() -> list:
    async with get_client() as client:
        return await client.read_artifacts()


def test_nothing_is_read_from_outside_and_nothing_of_it_is_told(dataset: Dataset):
    dataset.define()
    frames = dataset.folder / "frames"
    frames.mkdir()
    private = dataset.folder.parent / "private.png"
    private.write_text("planted secret")
    (frames / "link.png").symlink_to(private)
    dataset.ask([f"A camera shows a street, {number}." for number in range(len(OUTSIDE))], input_image=OUTSIDE)
    dataset.environment["PLANTED"] = "planted secret"
    told = dataset.its("check", str(dataset.folder), "--most", "100")
    assert told.returncode == 2
    assert f"{len(OUTSIDE)} rejected" in told.stdout
    assert "planted secret" not in told.stdout + told.stderr
    assert told.stdout.count("input.outside") >= len(OUTSIDE) - 2


def test_no_word_of_a_manifest_commands_the_terminal(dataset: Dataset):
    dataset.define(max_rejected_ratio=1)
    colours = "\x1b]0;planted\x07\x1b[2J\x1b[31mred\u202e\r\x08"
    dataset.ask(["ok", f"A camera {colours}", "ok"], note=colours)
    manifest = dataset.folder / "scenarios.parquet"
    rows = pd.read_parquet(manifest)
    rows.loc[2, "scenario_id"] = f"s{colours}"
    rows.to_parquet(manifest)
    told = dataset.its("check", str(dataset.folder))
    assert told.returncode == 1
    assert "2 rejected" in told.stdout
    for control in "\x1b\x07\x08\r\u202e":
        assert control not in told.stdout + told.stderr
