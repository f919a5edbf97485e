"""Lineage keeps no secret."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from its_core.dataset.lineage import event, manifest_files, without_secrets
from its_core.scenarios.scenario import ManifestError
from tests.dataset import samples


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"secret": "s3cr3t"}, {"secret": "***"}),
        ({"aws_secret_access_key": "s3cr3t", "region": "eu"}, {"aws_secret_access_key": "***", "region": "eu"}),
        ({"options": [{"api_key": "s3cr3t"}]}, {"options": [{"api_key": "***"}]}),
        ({"token": ["s3cr3t"]}, {"token": ["***"]}),
        ("https://user:s3cr3t@host/path", "https://***@host/path"),
        ("https://host/path?X-Amz-Signature=s3cr3t", "https://host/path?***"),
        ({"tokenizer": "T5", "keys": 3, "question": "why?"}, {"tokenizer": "T5", "keys": 3, "question": "why?"}),
    ],
)
def test_secrets_are_struck_out(value: object, kept: object) -> None:
    assert without_secrets(value) == kept


def test_no_secret_of_the_definition_is_in_the_event(tmp_path: Path) -> None:
    run = samples.run_of(
        tmp_path, {"publish_url": "s3://key:s3cr3t@bucket/x", "engine": {"options": {"hf_token": "s3cr3t"}}}
    )

    found = event(run, "sample", "0" * 12, "s3://key:s3cr3t@bucket/x/sample/000000000000", {})

    assert "s3cr3t" not in json.dumps(found)


def test_each_file_of_the_manifest_is_named_with_its_digest(tmp_path: Path) -> None:
    (tmp_path / "b.parquet").write_bytes(b"two")
    (tmp_path / "a.parquet").write_bytes(b"one")

    found = manifest_files(str(tmp_path))

    assert [(Path(file["url"]).name, file["size_bytes"]) for file in found] == [("a.parquet", 3), ("b.parquet", 3)]
    assert found[0]["sha256"] == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"


def test_a_manifest_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no such manifest"):
        manifest_files(str(tmp_path / "gone.parquet"))
