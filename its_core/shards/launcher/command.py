"""The torchrun command of a launch, and the environment of its ranks."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from its_core import logs
from its_core.clip import ClipRequest
from its_core.shards import parent_death, processors, progress
from its_core.shards.launcher.launch import Launch
from its_core.shards.receipts import LAUNCH


def command(batch_path: Path, log_folder: Path, launch: Launch, processes: int, first: ClipRequest) -> list[str]:
    """The guide's torchrun command, started so that it dies with this process.

    Our worker finds everything in the batch file. A script of another's knows only the guide's flags; it gets the
    ``first`` clip's seed, guidance and negative prompt for all clips.
    """
    wrapper = parent_death.__name__
    torchrun = [sys.executable, "-m", wrapper, "-m", "torch.distributed.run", "--standalone"]
    torchrun += [f"--nproc_per_node={processes}", "--log-dir", str(log_folder), "--redirects", "3"]
    batch = ["--batch_input_json", str(batch_path)]
    if launch.script is None:
        return [*torchrun, "-m", "its_core.shards.worker", *batch]
    flags = ["--num_gpus", str(processes), *launch.script_flags, *_flags_of_request(first)]
    return [*torchrun, "-m", wrapper, launch.script, *batch, *flags]


def _flags_of_request(request: ClipRequest) -> list[str]:
    values = {"--seed": request.seed, "--guidance": request.guidance, "--negative_prompt": request.negative_prompt}
    # In one word each: a text of the manifest's that begins with dashes must not be taken for a flag.
    return [f"{flag}={value}" for flag, value in values.items()]


def environment(launch: Launch, launch_id: str, log_folder: Path, processes: int) -> dict[str, str]:
    """The variables that the ranks start with."""
    # Ranks share the processors among themselves; each must not take them all.
    threads = launch.threads or max(1, processors.available() // processes)
    visible = {"CUDA_VISIBLE_DEVICES": ",".join(launch.devices)} if launch.devices is not None else {}
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        **visible,
        **launch.environment,
        LAUNCH: launch_id,
        progress.FOLDER: str(log_folder),
        "PYTHONUNBUFFERED": "1",
        **logs.environment(),
        **parent_death.environment(),
    }
