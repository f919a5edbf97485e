"""Parquet files decoded in another process, because a damaged one can end the process that decodes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import pyarrow as pa

from its_core.scenarios.manifest.parquet.child import Limits
from its_core.text import short

LIMITS = Limits(chunk_values=20_000_000, group_values=100_000_000, group_bytes=2**29, batch_bytes=64 * 2**20)
_CHILD = Path(__file__).with_name("child.py")
_PIPE_BYTES = 1 << 20


class UnreadableFile(Exception):
    """What is wrong with a file, in a line."""


class ParquetReader:
    """A process that decodes files, one after the other. It is started for the first one and ended by ``close``."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._is_reading = False

    def __enter__(self) -> ParquetReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None
        self._is_reading = False

    def batches(self, path: Path, batch_rows: int, limits: Limits) -> Iterator[pa.RecordBatch]:
        """The file's rows in order, at most ``batch_rows`` at a time, and at least one batch even without any row. Text
        comes dictionary-encoded where the file allows it: a prompt used in a million rows is held once a batch.

        Raises UnreadableFile. Until the last batch is taken no other file can be read.
        """
        if self._is_reading:
            raise RuntimeError("another file is being read")
        self._is_reading = True
        process = self._started()
        assert process.stdin is not None
        order = {"path": str(path.absolute()), "batch_rows": batch_rows, "limits": asdict(limits)}
        try:
            process.stdin.write(json.dumps(order).encode() + b"\n")
            process.stdin.flush()
            while "stream" in (answer := self._answer(process)):
                with pa.ipc.open_stream(process.stdout) as stream:
                    yield from stream
        except (pa.ArrowException, OSError, ValueError):  # an answer that breaks off
            raise UnreadableFile(self._end(process)) from None
        self._is_reading = False
        if reason := answer.get("refused"):
            raise UnreadableFile(reason)
        if reason := answer.get("error"):
            raise UnreadableFile(f"cannot be read as Parquet ({short(reason, 200)})")

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            quiet = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
            self._process = subprocess.Popen(
                [sys.executable, "-P", str(_CHILD)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | quiet,
                pipesize=_PIPE_BYTES,
            )
        return self._process

    def _answer(self, process: subprocess.Popen[bytes]) -> dict[str, Any]:
        assert process.stdout is not None
        answer: dict[str, Any] = json.loads(process.stdout.readline())  # nothing, of a process that ended, is no JSON
        return answer

    def _end(self, process: subprocess.Popen[bytes]) -> str:
        """Why the process ended."""
        self.close()
        status = process.returncode
        name = signal.Signals(-status).name if status < 0 and -status in set(signal.Signals) else f"status {status}"
        return f"cannot be read as Parquet (the process that reads it ended with {name}: the file is damaged)"
