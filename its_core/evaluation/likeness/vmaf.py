"""VMAF, Netflix's measure of perceived quality, by an FFmpeg with libvmaf where one is on the path."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from its_core.errors import FactoryError

_MOST_S = 600


class VmafFailed(FactoryError, RuntimeError):
    """FFmpeg ended without a score; the message has its last line."""

    default_code = "likeness.vmaf"


@cache
def ffmpeg() -> str | None:
    """The FFmpeg on the path, if it has libvmaf."""
    program = shutil.which("ffmpeg")
    if program is None:
        return None
    listed = subprocess.run([program, "-hide_banner", "-filters"], capture_output=True, text=True, check=False)
    return program if " libvmaf " in listed.stdout else None


def vmaf(program: str, before: Path, after: Path) -> float:
    """The mean score of ``after`` with ``before`` as its reference, 0 to 100. Raises VmafFailed."""
    with tempfile.TemporaryDirectory(prefix="its-vmaf-") as folder:
        # Run in the folder: a path in FFmpeg's filter language would have to be escaped.
        command = [program, "-hide_banner", "-nostdin", "-i", str(after.absolute()), "-i", str(before.absolute())]
        command += ["-lavfi", "libvmaf=log_fmt=json:log_path=vmaf.json", "-f", "null", "-"]
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", check=False, timeout=_MOST_S
        )
        log = Path(folder) / "vmaf.json"
        if done.returncode or not log.exists():
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise VmafFailed(f"ffmpeg's libvmaf gave no score for {after.name}: {last}")
        return round(float(json.loads(log.read_text())["pooled_metrics"]["vmaf"]["mean"]), 3)
