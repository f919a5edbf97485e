"""Batch files: the guide's format in both directions, as people and other tools write it."""

import json
from pathlib import Path

import pytest

from its_core.clip import Geometry
from its_core.shards import batch
from its_core.shards.batch import BatchError, Defaults, EngineSettings, Job
from its_core.shards.receipts import clip_files
from tests.shards.batch.requests import request

DEFAULTS = Defaults(seed=7, negative_prompt="shaky", guidance=6.0, geometry=Geometry.of("480", 10))
ENTRY = {"input_video": "a.jpg", "prompt": "P", "output_video": "o.mp4"}


def read_one(tmp_path: Path, **keys: object) -> Job:
    path = tmp_path / "b.json"
    path.write_text(json.dumps([ENTRY | keys]))
    (job,), _ = batch.read(path, DEFAULTS)
    return job


def refusal(path: Path) -> BatchError:
    with pytest.raises(BatchError) as raised:
        batch.read(path, DEFAULTS)
    assert "\n" not in str(raised.value)
    assert str(path) in str(raised.value)
    return raised.value


def test_what_is_written_is_read_back(tmp_path):
    jobs = [Job(request(), clip_files(tmp_path, "ab12")), Job(request(input_path=None), clip_files(tmp_path, "cd34"))]
    settings = EngineSettings("simulator", {"attempts": 3}, "480", 10, "simulator 1 (0123)", "a" * 64)
    batch.write(tmp_path / "batch.json", jobs, settings)
    assert batch.read(tmp_path / "batch.json", DEFAULTS) == (jobs, settings)


def test_it_holds_what_nvidias_script_reads_first(tmp_path):
    batch.write(tmp_path / "b.json", [Job(request(), clip_files(tmp_path, "ab12"))], EngineSettings("cosmos", {}))
    (entry,) = json.loads((tmp_path / "b.json").read_text())
    assert list(entry)[:3] == ["input_video", "prompt", "output_video"]
    assert entry["input_video"] == "/frames/a.jpg"
    assert entry["prompt"] == "A camera …"
    assert entry["output_video"] == str(tmp_path / "clips" / "ab" / "ab12.mp4")


def test_the_guides_own_batch_gets_a_seed_a_clip(tmp_path):
    path = tmp_path / "guide.json"
    entries = [{"input_video": "a.jpg", "prompt": "P", "output_video": f"out/{name}.mp4"} for name in "xyz"]
    path.write_text(json.dumps(entries))
    jobs, engine = batch.read(path, DEFAULTS)
    assert engine is None
    assert [job.request.clip_id for job in jobs] == ["x", "y", "z"]
    assert jobs[0].request.seed == 7
    assert len({job.request.seed for job in jobs}) == 3
    assert {job.request.negative_prompt for job in jobs} == {"shaky"}
    assert {job.request.geometry for job in jobs} == {Geometry.of("480", 10)}


@pytest.mark.parametrize("missing", [None, ""], ids=str)
def test_an_entry_needs_no_input_video(tmp_path, missing):
    assert read_one(tmp_path, input_video=missing).request.input_path is None
    path = tmp_path / "none.json"
    path.write_text(json.dumps([{"prompt": "P", "output_video": "o.mp4"}]))
    (job,), _ = batch.read(path, DEFAULTS)
    assert job.request.input_path is None


def test_null_is_not_given(tmp_path):
    asked = read_one(tmp_path, guidance=None, seed=None, negative_prompt=None).request
    assert (asked.guidance, asked.seed, asked.negative_prompt) == (6.0, 7, "shaky")
    assert read_one(tmp_path, seed=3.0, guidance=4).request.seed == 3  # a column with a gap is of floats


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("guidance", float("inf")),
        ("guidance", float("nan")),
        ("seed", float("nan")),
        ("input_video", float("nan")),
        ("guidance", -3),
        ("guidance", 20.5),
        ("guidance", True),
        ("guidance", "much"),
        ("seed", -1),
        ("seed", 2**31),
        ("seed", 2**64),
        ("seed", 1.5),
        ("variant", -1),
        ("prompt", ""),
        ("prompt", " \n"),
        ("prompt", None),
        ("prompt", 3),
        ("prompt", "x" * 3001),
        ("prompt", "nul \0"),
        ("negative_prompt", "x" * 3001),
        ("output_video", ""),
        ("output_video", None),
        ("output_video", 5),
        ("output_video", "."),
        ("output_video", "out/"),
        ("output_video", "s3://bucket/o.mp4"),
        ("output_video", "o\0.mp4"),
        ("input_video", 7),
        ("input_video", "a\0.jpg"),
        ("geometry", {"width_px": -64, "height_px": 48, "fps": 10, "frames": 5}),
        ("geometry", {"width_px": 65, "height_px": 48, "fps": 10, "frames": 5}),
        ("geometry", {"width_px": 64, "height_px": 48, "fps": 10, "frames": 0}),
        ("scene", {"camera_id": "c", "weather": "hail"}),
    ],
)
def test_a_value_that_no_clip_can_be_made_with_is_refused_with_its_entry_and_key(tmp_path, key, value):
    path = tmp_path / "b.json"
    path.write_text(json.dumps([ENTRY, ENTRY | {"output_video": "p.mp4", key: value}]))
    error = refusal(path)
    assert error.code == f"batch.{key}"
    assert f"entry[1].{key}" in str(error)


def test_the_range_is_named(tmp_path):
    path = tmp_path / "b.json"
    path.write_text(json.dumps([ENTRY | {"guidance": -3}]))
    assert str(refusal(path)) == f"{path}: entry[0].guidance: -3.0: must be from 0 to 20"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{}", "batch.empty"),
        ("[]", "batch.empty"),
        ("[{]", "batch.json"),
        ("[" * 100_000, "batch.json"),
        ("[3]", "batch.entry"),
        ('[{"seed": ' + "9" * 5000 + "}]", "batch.json"),
        (
            '[{"input_video": "a", "prompt": "P", "output_video": "o.mp4",'
            ' "engine": {"name": "cosmos", "options": {}}},'
            ' {"input_video": "a", "prompt": "P", "output_video": "p.mp4",'
            ' "engine": {"name": "simulator", "options": {}}}]',
            "batch.engines",
        ),
        ('[{"prompt": "P", "output_video": "o.mp4", "engine": {"name": "simulator"}}]', "batch.engine"),
        ('[{"prompt": "P", "output_video": "o.mp4", "engine": "simulator"}]', "batch.engine"),
    ],
)
def test_a_broken_batch_is_refused(tmp_path, text, code):
    path = tmp_path / "broken.json"
    path.write_text(text)
    assert refusal(path).code == code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_text_as_windows_tools_write_it_is_read(tmp_path, encoding):
    path = tmp_path / "b.json"
    text = json.dumps([ENTRY | {"prompt": "Ein Unfall auf der Straße"}], ensure_ascii=False, indent=1)
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    (job,), _ = batch.read(path, DEFAULTS)
    assert job.request.prompt == "Ein Unfall auf der Straße"


def test_bytes_of_another_encoding_are_named_with_their_position(tmp_path):
    path = tmp_path / "b.json"
    path.write_bytes('[{"prompt": "Straße"}]'.encode("cp1252"))
    error = refusal(path)
    assert (error.code, "byte 17" in str(error)) == ("batch.encoding", True)


@pytest.mark.parametrize("place", ["none.json", "."])
def test_a_batch_that_cannot_be_read_is_refused(tmp_path, place):
    assert refusal(tmp_path / place).code == "batch.unreadable"
