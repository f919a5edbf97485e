"""Lineage keeps no secret, and every attempt whole."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from its_core.dataset.lineage import CLIPS_FILE, ClipLineageWriter, event
from its_core.scenarios.manifest.snapshot import ManifestFile
from its_core.shards.receipts import Attempt
from tests.dataset import samples


def test_no_secret_of_the_definition_is_in_the_event(tmp_path: Path) -> None:
    run = samples.run_of(
        tmp_path, {"publish_url": "s3://key:s3cr3t@bucket/x", "engine": {"options": {"hf_token": "s3cr3t"}}}
    )

    found = event(run, "sample", "0" * 12, "s3://key:s3cr3t@bucket/x/sample/000000000000", {})

    assert "s3cr3t" not in json.dumps(found)


def test_each_file_of_the_manifest_is_named_with_its_digest_and_no_secret(tmp_path: Path) -> None:
    run = replace(
        samples.run_of(tmp_path),
        manifest=(ManifestFile("s3://key:s3cr3t@bucket/a.parquet", "ab" * 32, 3), ManifestFile("/b", "cd" * 32, 4)),
    )

    inputs = event(run, "sample", "0" * 12, "out", {})["inputs"]

    assert [each["name"] for each in inputs] == ["s3://***@bucket/a.parquet", "/b"]
    assert inputs[1]["facets"]["content"] == {"url": "/b", "sha256": "cd" * 32, "size_bytes": 4}
    assert "s3cr3t" not in json.dumps(inputs)


def test_all_that_is_known_of_an_attempt_is_kept(tmp_path: Path) -> None:
    clip = samples.finished(tmp_path / "work", 1)
    with ClipLineageWriter(tmp_path) as writer:
        writer.add(clip)

    (row,) = pq.read_table(tmp_path / CLIPS_FILE).to_pylist()

    assert row["attempts"] == [attempt.model_dump(mode="json") for attempt in clip.receipt.attempts]
    assert row["attempts"][0].keys() == Attempt.model_fields.keys()
