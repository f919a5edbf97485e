"""Batch files: the guide's format in both directions."""

import json

import pytest

from its_core.clip import ClipRequest, Geometry, IncidentType, Participant, Scene
from its_core.shards import batch
from its_core.shards.batch import BatchError, Defaults, EngineSettings, Job
from its_core.shards.receipts import files_of
from its_core.taxonomy import Colour, ParticipantType, Role

DEFAULTS = Defaults(seed=7, negative_prompt="shaky", guidance=6.0, geometry=Geometry.of("480", 10))


def request(**changes) -> ClipRequest:
    values = {
        "clip_id": "ab12",
        "scenario_id": "crossing",
        "variant": 1,
        "seed": 5,
        "prompt": "A camera …",
        "negative_prompt": "blur",
        "guidance": 7.0,
        "geometry": Geometry.of("720", 16),
        "scene": Scene(
            "cam-1",
            IncidentType.REAR_END_COLLISION,
            participants=(Participant(ParticipantType.VAN, Colour.WHITE, Role.AT_FAULT),),
        ),
        "input_path": "/frames/a.jpg",
    }
    return ClipRequest(**(values | changes))


def test_what_is_written_is_read_back(tmp_path):
    jobs = [Job(request(), files_of(tmp_path, "ab12")), Job(request(input_path=None), files_of(tmp_path, "cd34"))]
    settings = EngineSettings("simulator", {"tries": 3})
    batch.write(tmp_path / "batch.json", jobs, settings)
    assert batch.read(tmp_path / "batch.json", DEFAULTS) == (jobs, settings)


def test_it_holds_what_nvidias_script_reads(tmp_path):
    batch.write(tmp_path / "b.json", [Job(request(), files_of(tmp_path, "ab12"))], EngineSettings("cosmos", {}))
    (entry,) = json.loads((tmp_path / "b.json").read_text())
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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "Input should be a valid array"),
        ("[]", "holds no entry"),
        ("[{]", "Invalid JSON"),
        ('[{"prompt": "P", "output_video": "o.mp4"}]', r"entry\[0\].input_video: Field required"),
        ('[{"input_video": "a", "prompt": 3, "output_video": "o.mp4"}]', r"entry\[0\].prompt: .*valid string"),
        (
            '[{"input_video": "a", "prompt": "P", "output_video": "o.mp4"},'
            ' {"input_video": "b", "prompt": "Q", "output_video": "o.mp4"}]',
            "2 entries share 1 output_video paths",
        ),
        (
            '[{"input_video": "a", "prompt": "P", "output_video": "o.mp4",'
            ' "engine": {"name": "cosmos", "options": {}}},'
            ' {"input_video": "a", "prompt": "P", "output_video": "p.mp4",'
            ' "engine": {"name": "simulator", "options": {}}}]',
            "names 2 different engines",
        ),
    ],
)
def test_a_broken_batch_is_told_in_a_line(tmp_path, text, message):
    path = tmp_path / "broken.json"
    path.write_text(text)
    with pytest.raises(BatchError, match=message) as raised:
        batch.read(path, DEFAULTS)
    assert "\n" not in str(raised.value)


def test_a_missing_batch_is_told(tmp_path):
    with pytest.raises(BatchError, match="No such file"):
        batch.read(tmp_path / "none.json", DEFAULTS)
