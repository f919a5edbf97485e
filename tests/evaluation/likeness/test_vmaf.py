"""VMAF by the FFmpeg on the path; a stand-in answers as FFmpeg 9.0 with libvmaf was seen to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from its_core.evaluation.likeness import vmaf
from its_core.evaluation.likeness.vmaf import VmafFailed

FFMPEG = """#!/bin/sh
case "$*" in
    *-filters) echo " .. FILTERS VV->V      Calculate the VMAF between two video streams." ;;
    *none.mp4*) echo "Error opening input files: No such file or directory" >&2; exit 254 ;;
    *) printf '%s\\n' "$@" > "$0.arguments"; echo '{"pooled_metrics": {"vmaf": {"mean": 91.9581}}}' > vmaf.json ;;
esac
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "ffmpeg"
    path.write_text(FFMPEG.replace("FILTERS", "libvmaf"))
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    vmaf.ffmpeg.cache_clear()
    yield path
    vmaf.ffmpeg.cache_clear()


def test_the_score_is_of_the_second_clip_against_the_first(program: Path) -> None:
    assert vmaf.ffmpeg() == str(program)
    assert vmaf.vmaf(str(program), Path("/clips/a.mp4"), Path("/clips/b.mp4")) == 91.958
    asked = Path(f"{program}.arguments").read_text().splitlines()
    inputs = [asked[n + 1] for n, word in enumerate(asked) if word == "-i"]
    assert inputs == ["/clips/b.mp4", "/clips/a.mp4"]  # libvmaf's reference is the second input


def test_without_a_score_ffmpegs_last_line_is_the_reason(program: Path) -> None:
    with pytest.raises(VmafFailed, match=r"none\.mp4: Error opening input files") as raised:
        vmaf.vmaf(str(program), Path("/clips/a.mp4"), Path("/clips/none.mp4"))
    assert raised.value.code == "likeness.vmaf"


def test_an_ffmpeg_without_libvmaf_is_as_good_as_none(program: Path) -> None:
    program.write_text(FFMPEG.replace("FILTERS", "psnr"))
    assert vmaf.ffmpeg() is None
