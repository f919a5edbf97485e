"""Whether a batch typed by hand would overwrite what is not its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from its_core.shards.batch.jobs import BatchError, Job
from its_core.shards.receipts import ClipFiles

JobLabel = Callable[[int], str]  # how a message names the job at a position


def refuse_overwriting(jobs: list[Job], label: JobLabel, also_read: Mapping[str, str]) -> None:
    """Raises BatchError where a clip would replace another's files, an input, or a file that we did not make.

    ``also_read`` names other files that the command reads (the batch, checkpoints), with what each is.
    """
    outputs: dict[str, int] = {}
    for position, job in enumerate(jobs):
        for path in _files(job.files):
            other = outputs.setdefault(os.path.realpath(path), position)
            if other != position:
                raise BatchError(
                    f"{label(position)}: {path} is written by {label(other)} too; each clip needs an output_video of "
                    "its own",
                    code="batch.same_output",
                )
    inputs = _inputs(jobs, label) | {os.path.realpath(path): use for path, use in also_read.items()}
    for real, position in outputs.items():
        if use := inputs.get(real):
            raise BatchError(
                f"{label(position)}: {real} is {use}, which it would overwrite; name another output",
                code="batch.output_is_input",
            )
    for position, job in enumerate(jobs):
        _refuse_foreign_files(job.files, label(position))


def _inputs(jobs: list[Job], label: JobLabel) -> dict[str, str]:
    return {
        os.path.realpath(job.request.input_path): f"the input of {label(position)}"
        for position, job in enumerate(jobs)
        if job.request.input_path is not None
    }


def _refuse_foreign_files(files: ClipFiles, label: str) -> None:
    if files.has_receipt():
        return
    for path in _files(files):
        if path.exists():
            raise BatchError(
                f"{label}: {path} is there already, and no receipt beside it says that it was made here: move it away "
                "or name another output",
                code="batch.foreign_output",
            )


def _files(files: ClipFiles) -> Iterable[Path]:
    return (files.video, files.annotations, files.measures, files.receipt)
