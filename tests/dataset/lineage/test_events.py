"""OpenLineage events: valid, whole, without secrets, and written and sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from its_core.dataset.lineage import emit, events
from its_core.dataset.lineage.run import Run
from its_core.scenarios.manifest.snapshot import ManifestFile
from tests.dataset import samples

RUN_ID = "00000000-0000-0000-0000-000000000001"


def _output(url: str = "s3://bucket/x/sample/000000000000") -> events.Output:
    return events.Output("sample", "0" * 12, url, pa.schema([("clip_id", pa.string())]), 4, 99, {"train": 4}, {})


def _complete(run: Run, url: str = "s3://bucket/x/sample/000000000000") -> dict[str, Any]:
    return events.as_dict(events.complete(run, _output(url)))


def test_no_secret_of_the_definition_is_in_the_event(tmp_path: Path) -> None:
    secret = {"publish_url": "s3://key:s3cr3t@bucket/x", "engine": {"options": {"hf_token": "s3cr3t"}}}
    run = samples.run_of(tmp_path, secret)

    found = _complete(run, "s3://key:s3cr3t@bucket/x/sample/000000000000")

    assert "s3cr3t" not in json.dumps(found)
    assert (found["outputs"][0]["namespace"], found["outputs"][0]["name"]) == ("s3://bucket", "x/sample/000000000000")


def test_each_file_of_the_manifest_is_named_with_its_digest_and_no_secret(tmp_path: Path) -> None:
    manifest = (ManifestFile("s3://key:s3cr3t@bucket/a.parquet", "ab" * 32, 3), ManifestFile("/home/b", "cd" * 32, 4))

    inputs = _complete(replace(samples.run_of(tmp_path), manifest=manifest))["inputs"]

    assert [(each["namespace"], each["name"]) for each in inputs] == [("s3://bucket", "a.parquet"), ("file", "b")]
    assert [each["facets"]["version"]["datasetVersion"] for each in inputs] == ["ab" * 32, "cd" * 32]
    assert inputs[1]["inputFacets"]["inputStatistics"]["size"] == 4


def test_weights_are_an_input(tmp_path: Path) -> None:
    inputs = _complete(replace(samples.run_of(tmp_path), engine=samples.COSMOS))["inputs"]

    assert inputs[-1]["name"] == "weights/cosmos"
    assert inputs[-1]["facets"]["version"]["datasetVersion"] == "ab" * 32


@pytest.mark.parametrize("kind", ["START", "COMPLETE", "FAIL"])
def test_every_facet_names_its_producer_and_schema(tmp_path: Path, kind: str) -> None:
    made = {
        "START": lambda: events.start(RUN_ID, "sample"),
        "COMPLETE": lambda: events.complete(samples.run_of(tmp_path), _output()),
        "FAIL": lambda: events.fail(RUN_ID, "sample", "no clip"),
    }[kind]()
    event = events.as_dict(made)

    assert event["eventType"] == kind
    assert event["schemaURL"].endswith("OpenLineage.json#/$defs/RunEvent")
    holders = [event["run"], event["job"], *event["inputs"], *event["outputs"]]
    facets = [facet for holder in holders for facet in holder["facets"].values()]
    facets += [facet for each in event["inputs"] for facet in each["inputFacets"].values()]
    assert facets
    assert all(facet["_producer"] and facet["_schemaURL"] for facet in facets)


def test_the_parent_is_the_one_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    parent_id = "00000000-0000-0000-0000-000000000002"
    monkeypatch.setenv(events.PARENT_VARIABLE, f"airflow/nightly.render/{parent_id}")

    facet = events.as_dict(events.start(RUN_ID, "sample"))["run"]["facets"]["parent"]

    assert facet["run"]["runId"] == parent_id
    assert (facet["job"]["namespace"], facet["job"]["name"]) == ("airflow", "nightly.render")
    monkeypatch.setenv(events.PARENT_VARIABLE, "airflow/nightly.render/no-uuid")
    assert "parent" not in events.as_dict(events.start(RUN_ID, "sample"))["run"]["facets"]


@contextmanager
def _server(status: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Takes events over HTTP as Marquez does."""
    received: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", received
    finally:
        server.shutdown()


def test_events_go_to_a_file_and_to_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _server(201) as (url, received):
        monkeypatch.setenv("OPENLINEAGE_URL", url)
        with pytest.raises(ValueError, match="broken"), emit.reported(RUN_ID, "sample", tmp_path):
            raise ValueError("broken\nsecond line")

    written = [json.loads(line) for line in (tmp_path / "lineage" / "events.jsonl").read_text().splitlines()]
    assert [event["eventType"] for event in written] == ["START", "FAIL"]
    assert written[1]["run"]["facets"]["errorMessage"]["message"] == "broken"
    assert [event["eventType"] for event in received] == ["START", "FAIL"]


def test_a_server_that_fails_does_not_fail_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with _server(400) as (url, _):
        monkeypatch.setenv("OPENLINEAGE_URL", url)
        emit.emit(events.start(RUN_ID, "sample"), tmp_path)

    assert "did not take the event" in caplog.text
    assert (tmp_path / "lineage" / "events.jsonl").read_text().count("\n") == 1
