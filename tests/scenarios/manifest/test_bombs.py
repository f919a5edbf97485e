"""Small files that would fill the memory when they are read: told, and not read."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from its_core.scenarios.manifest import ManifestError
from tests.scenarios.manifest.manifests import PARTICIPANTS, read

pytestmark = pytest.mark.slow

ROOM_BYTES = 3 * 2**30  # of address space, Python's libraries included

READ = """
import sys
from pathlib import Path
from its_core.scenarios import manifest
folder = Path(sys.argv[1])
try:
    for batch in manifest.read(
        str(folder / "bomb.parquet"), base_folder=str(folder), allowed_inputs=[], input_cache=folder / "cache",
        engine_needs_input=False, unsupported=lambda *_: None,
    ):
        print(len(batch.scenarios), "good", *{each.code for each in (*batch.rejections, *batch.remarks)})
except manifest.ManifestError as error:
    print(error.code, error)
"""


def in_one_row(values: pa.Array) -> pa.Array:
    """Two rows: a list of all the values, and an empty one."""
    return pa.ListArray.from_arrays(pa.array([0, len(values), len(values)], pa.int32()), values)


def in_every_row(text: str, rows: int) -> pa.Array:
    """A list of one text in each row; in the file the text stands once."""
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([text]))
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1), pa.int32()), texts)


BOMBS = {
    "a crowd of 21 million": (
        "participants",
        lambda: in_one_row(pa.nulls(21_000_000, PARTICIPANTS.value_type)),
        "'participants.list.element.type' holds 21,000,001 values in 2 rows; at most 20,000,000",
    ),
    "a crowd of a million": (
        "participants",
        lambda: in_one_row(pa.nulls(1_000_000, PARTICIPANTS.value_type)),
        "1 good row.participants",
    ),
    "a list of 25 million numbers": (
        "numbers",
        lambda: in_one_row(pa.array(np.zeros(25_000_000, np.int8))),
        "'numbers.list.element' holds 25,000,001 values in 2 rows",
    ),
    "a list of ten million numbers": (
        "numbers",
        lambda: in_one_row(pa.array(np.zeros(10_000_000, np.int8))),
        "2 good carried.too_long",
    ),
    "a long text named in lists again and again": (
        "notes",
        lambda: in_every_row("x" * 1_000_000, 20_000),
        "20000 good carried.too_long",
    ),
    "a long text named again and again": (
        "note",
        lambda: pa.DictionaryArray.from_arrays(pa.array(np.zeros(50_000, np.int32)), pa.array(["x" * 1_000_000])),
        "32768 good carried.too_long\n17232 good carried.too_long",
    ),
    "a prompt of fifty megabytes": (
        "prompt",
        lambda: pa.array(["ok", "x" * 50_000_000]),
        "1 good value.too_long",
    ),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_told_and_not_unfolded(tmp_path, bomb):
    column, make, told = BOMBS[bomb]
    values = make()
    table = {
        "scenario_id": pa.array([f"s{index}" for index in range(len(values))]),
        "camera_id": pa.array(["c"] * len(values)),
        "incident_type": pa.array(["normal_traffic"] * len(values)),
        column: values,
    }
    pq.write_table(pa.table(table), tmp_path / "bomb.parquet", compression="zstd")
    assert (tmp_path / "bomb.parquet").stat().st_size < 1_000_000
    read = subprocess.run(
        [sys.executable, "-c", READ, str(tmp_path)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (ROOM_BYTES, ROOM_BYTES)),
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        cwd=Path(__file__).parent.parent.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert read.returncode == 0, read.stderr
    assert told in read.stdout


def test_columns_that_fill_the_memory_together_are_told(tmp_path):
    texts = {f"note_{number}": pa.array([chr(97 + number) * 60_000_000]) for number in range(10)}
    table = {"scenario_id": ["s"], "camera_id": ["c"], "incident_type": ["normal_traffic"], **texts}
    pq.write_table(pa.table(table), tmp_path / "bomb.parquet", compression="zstd")
    with pytest.raises(ManifestError, match=r"600,\d+,\d+ bytes in 1 rows; at most 536,870,912"):
        read(tmp_path / "bomb.parquet", tmp_path)
