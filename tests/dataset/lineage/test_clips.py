"""Every attempt at every clip is kept, without the machine's name and folders."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pyarrow.parquet as pq

from its_core.clip import Outcome
from its_core.dataset.lineage.clips import ClipLineageWriter
from its_core.shards.receipts import Attempt
from tests.dataset import samples


def test_all_that_is_known_of_an_attempt_is_kept(tmp_path: Path) -> None:
    clip = samples.finished(tmp_path / "work", 1)
    with ClipLineageWriter(tmp_path) as writer:
        writer.add(clip.planned, clip.receipt)

    (row,) = pq.read_table(tmp_path / "clips.parquet").to_pylist()

    expected = [attempt.model_dump(mode="json") | {"host": None} for attempt in clip.receipt.attempts]
    assert row["attempts"] == expected
    assert row["attempts"][0].keys() == Attempt.model_fields.keys()
    assert (row["camera_id"], row["manifest_row"], json.loads(row["engine_record"])) == ("cam-1", 1, {"steps": 35})


def test_the_machine_is_named_only_where_asked_for(tmp_path: Path) -> None:
    failed = samples.failed(tmp_path / "work", 2, Outcome.ENGINE_ERROR, f"no {tmp_path}/weights.pt")
    rows = []
    for names_machine in (False, True):
        with ClipLineageWriter(tmp_path, names_machine=names_machine) as writer:
            writer.add(failed.planned, failed.receipt)
        rows += pq.read_table(tmp_path / "clips.parquet").to_pylist()

    assert [row["attempts"][0]["host"] for row in rows] == [None, socket.gethostname()]
    assert [row["attempts"][0]["reason"] for row in rows] == ["no …/weights.pt", f"no {tmp_path}/weights.pt"]
