"""Nothing that is not a clip of ours is overwritten by a batch typed by hand."""

from pathlib import Path

import pytest

from its_core.clip import Outcome
from its_core.shards.batch import BatchError, Job, refuse_overwriting
from its_core.shards.receipts import ClipFiles, synthetic_attempt
from tests.shards.batch.requests import request


def jobs(*pairs: tuple[str, str | None]) -> list[Job]:
    """Outputs and inputs."""
    return [Job(request(input_path=read), ClipFiles(Path(output))) for output, read in pairs]


def code(asked: list[Job], **also_read: str) -> str | None:
    try:
        refuse_overwriting(asked, lambda position: f"entry[{position}]", {v: k for k, v in also_read.items()})
    except BatchError as error:
        assert "\n" not in str(error)
        return error.code
    return None


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("cam7.mp4").write_bytes(b"footage")
    Path("link.mp4").symlink_to("cam7.mp4")
    return tmp_path


@pytest.mark.parametrize("output", ["cam7.mp4", "./cam7.mp4", "{}/cam7.mp4", "link.mp4", "x/../cam7.mp4"])
def test_an_output_that_is_an_input_of_any_entry(folder, output):
    asked = jobs(("new.mp4", "cam7.mp4"), (output.format(folder), "other.mp4"))
    with pytest.raises(BatchError, match=r"entry\[1\].*the input of entry\[0\]") as raised:
        refuse_overwriting(asked, lambda position: f"entry[{position}]", {})
    assert raised.value.code == "batch.output_is_input"


@pytest.mark.usefixtures("folder")
def test_an_input_read_through_a_link():
    assert code(jobs(("cam7.mp4", "link.mp4"))) == "batch.output_is_input"


@pytest.mark.usefixtures("folder")
def test_another_file_that_the_command_reads():
    Path("lora.pt").write_bytes(b"weights")
    assert code(jobs(("lora.pt", None)), checkpoint="lora.pt") == "batch.output_is_input"
    assert code(jobs(("b.mp4", None)), batch="b.receipt.json") == "batch.output_is_input"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("second", ["out.mp4", "./out.mp4", "out.mov", "out.annotations.mp4"])
def test_two_clips_with_files_in_common(second):
    expected = None if second == "out.annotations.mp4" else "batch.same_output"
    assert code(jobs(("out.mp4", None), (second, None))) == expected


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", ["out.mp4", "out.receipt.json", "out.annotations.json.gz"])
def test_a_file_that_was_not_made_here(name):
    Path(name).write_bytes(b"the user's")
    assert code(jobs(("out.mp4", None))) == "batch.foreign_output"
    assert Path(name).read_bytes() == b"the user's"


@pytest.mark.usefixtures("folder")
def test_a_clip_of_ours_may_be_made_again():
    (job,) = jobs(("out.mp4", "cam7.mp4"))
    job.files.video.write_bytes(b"clip")
    job.files.add_attempt(job.request, synthetic_attempt(Outcome.ENGINE_ERROR, "because", "test"))
    assert code([job]) is None
    assert job.files.video.read_bytes() == b"clip"
