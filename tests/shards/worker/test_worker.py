"""The worker's command line: the guide's flags, one clip or a batch, and the simulator by hand under real torchrun."""

import gzip
import json
import subprocess
import sys

import pytest

from its_core.annotations import Annotations
from its_core.clip import Geometry
from its_core.shards.batch import BatchError
from its_core.shards.receipts import ClipFiles
from its_core.shards.worker import command_line
from its_core.taxonomy import IncidentType
from its_core.video import probe

pytestmark = pytest.mark.system

GUIDE = """--model_size 2B --dit_path checkpoints/iter_000001000.pt --input_path frame.jpg --prompt P
--save_path output/accident.mp4 --num_gpus 8 --use_lora --lora_rank 16 --lora_alpha 16
--lora_target_modules q_proj,k_proj,v_proj,output_proj,mlp.layer1,mlp.layer2
--offload_guardrail --offload_prompt_refiner --guidance 6 --seed 3 --init_lora_weights --benchmark
--disable_guardrail --disable_prompt_refiner --num_conditional_frames 1 --negative_prompt N --fps 10 --resolution 480"""


def test_the_guides_command_is_one_job():
    (job,), engine = command_line.jobs_of(command_line.parser().parse_args(GUIDE.split()))
    assert engine is None
    assert (job.request.prompt, job.request.negative_prompt, job.request.input_path) == ("P", "N", "frame.jpg")
    assert (job.request.seed, job.request.guidance) == (3, 6.0)
    assert job.request.geometry == Geometry.of("480", 10)
    assert str(job.files.video) == "output/accident.mp4"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("", "nothing to render: give --batch_input_json, or both --prompt and --save_path"),
        ("--prompt P", "nothing to render"),
        ("--save_path a.mp4", "nothing to render"),
        ("--batch_input_json b.json --prompt P", "--batch_input_json stands alone"),
        ("--batch_input_json none.json", "none.json: cannot be read: No such file"),
    ],
)
def test_a_command_that_asks_for_nothing_or_two_things_is_refused(flags, message):
    with pytest.raises(BatchError, match=message):
        command_line.jobs_of(command_line.parser().parse_args(flags.split()))


def torchrun(*arguments: str, processes: int = 1) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
    return subprocess.run(
        [*command, "-m", "its_core.shards.worker", *arguments], capture_output=True, text=True, timeout=300, check=False
    )


def test_a_hand_typed_prompt_becomes_a_simulated_clip_with_its_truth(tmp_path):
    prompt = (
        "A static CCTV camera shows a multi-lane highway in daylight. A silver pickup brakes hard and a black sedan "
        "following too closely crashes into its rear bumper. The pickup is pushed forward."
    )
    save = tmp_path / "out" / "rear_end.mp4"
    flags = ("--prompt", prompt, "--save_path", str(save), "--resolution", "480", "--fps", "10", "--controls", "edges")
    done = torchrun(*flags)
    assert done.returncode == 0, done.stdout + done.stderr
    files = ClipFiles(save)
    assert (probe(save).width_px, probe(save).height_px, probe(save).declared_frames) == (768, 432, 61)
    assert probe(save.with_suffix(".edges.mp4")).declared_frames == 61
    assert list(files.beside()) == [(".edges.mp4", save.with_suffix(".edges.mp4"))]
    receipt = files.success_receipt()
    assert receipt is not None and receipt.record["engine"] == "simulator"
    annotations = Annotations.model_validate_json(gzip.decompress(files.annotations.read_bytes()))
    assert annotations.accident_frame is not None
    roles = {track.role: (track.type, track.colour) for track in annotations.tracks if track.role != "bystander"}
    assert roles == {"at_fault": ("sedan", "black"), "not_at_fault": ("pickup", "silver")}

    written = save.stat().st_mtime_ns
    again = torchrun(*flags)
    assert again.returncode == 0
    assert "there already" in again.stdout
    assert save.stat().st_mtime_ns == written


def test_a_clip_that_cannot_be_made_is_an_error_of_the_command(tmp_path):
    entries = [
        {"input_video": "", "prompt": "A camera shows a meadow.", "output_video": str(tmp_path / "meadow.mp4")},
        {
            "input_video": "",
            "prompt": "A camera shows a street.",
            "output_video": str(tmp_path / "street.mp4"),
            "scene": {"camera_id": "c", "incident_type": IncidentType.NORMAL_TRAFFIC},
            "geometry": {"width_px": 320, "height_px": 176, "fps": 10, "frames": 5},
        },
    ]
    (tmp_path / "batch.json").write_text(json.dumps(entries))
    done = torchrun("--batch_input_json", str(tmp_path / "batch.json"), processes=2)
    assert done.returncode == 1
    assert "error: 1 of 2 clips were not made" in done.stderr
    assert "meadow: rejected_input: incident_type" in done.stderr
    assert (tmp_path / "street.mp4").exists()
    assert not (tmp_path / "meadow.mp4").exists()
