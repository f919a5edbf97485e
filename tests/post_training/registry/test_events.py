"""What OpenLineage is told of a post-training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from its_core.post_training.errors import GateClosed
from its_core.post_training.registry.events import reported
from its_core.post_training.registry.register import Registered, read_model


def events(work: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (work / "lineage" / "events.jsonl").read_text().splitlines()]


@pytest.mark.parametrize(
    ("publish_url", "dataset"),
    [("/home/anyone/published", ("file", "crossings")), ("s3://bucket/sets", ("s3://bucket", "sets/crossings/abc"))],
)
def test_a_model_is_linked_to_what_it_was_made_of_and_to_what_is_made_with_it(
    tmp_path: Path, model: Registered, publish_url: str, dataset: tuple[str, str]
) -> None:
    content = read_model(model)
    content["training_set"]["datasets"] = ["crossings@abc"]
    with reported("small", publish_url, tmp_path) as report:
        report.model = content
    started, ended = events(tmp_path)
    assert (started["eventType"], ended["eventType"]) == ("START", "COMPLETE")
    assert started["run"]["runId"] == ended["run"]["runId"]
    read = {(each["namespace"], each["name"]): each["facets"]["version"]["datasetVersion"] for each in ended["inputs"]}
    assert read[dataset] == "abc"
    assert set(read.values()) == {"abc", content["base"]["sha256"], content["training_set"]["sha256"]}
    made = [(each["name"], each["facets"]["version"]["datasetVersion"]) for each in ended["outputs"]]
    digests = content["weights_sha256"].values()
    assert made == [("model/small", model.version), *(("weights/cosmos", digest) for digest in digests)]
    assert ended["outputs"][0]["facets"]["its_model"]["model"]["lora"]["rank"] == 4


def test_a_training_that_does_not_end_is_told_without_local_paths(tmp_path: Path) -> None:
    with pytest.raises(GateClosed), reported("small", "published", tmp_path):
        raise GateClosed("overfit_gate: look at /home/anyone/work/run")
    failed = events(tmp_path)[1]
    assert failed["eventType"] == "FAIL"
    assert failed["run"]["facets"]["errorMessage"]["message"] == "overfit_gate: look at …/run"
