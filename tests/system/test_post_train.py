"""Post-training as a person does it: from published clips to a model that a dataset is built with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image

from its_core import video
from its_core.engines.cosmos.model.tiny import make_tiny_checkpoint
from its_core.post_training.metrics import read_lines
from its_core.post_training.run_folder import RunFolder
from tests.system.conftest import wait_until

QUICKSTART = Path(__file__).parents[2] / "datasets" / "quickstart"
SCENARIOS = ("red-light-sedan-suv", "main-and-5th-normal", "tailgating-sedan-pickup", "highway-normal")
RANK = 32


class Home:
    """A folder with published clips and a tiny base, and the command ``its`` in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.published = folder / "published"
        self.models = folder / "models"
        self.checkpoints = folder / "checkpoints"
        self.environment = {
            **os.environ,
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "ITS_MODELS": str(self.models),
        }
        self.environment.pop("PREFECT_API_URL", None)
        # Nobody answers there: flows go on without Prefect, which saves a server each.
        self.without_prefect = self.environment | {"PREFECT_API_URL": "http://127.0.0.1:9/api"}

    def its(self, *arguments: str, with_prefect: bool = False) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "its_flows.cli.main", *arguments]
        environment = self.environment if with_prefect else self.without_prefect
        return subprocess.run(command, env=environment, cwd=self.folder, capture_output=True, text=True, check=False)

    def define_training(self, name: str, **keys: object) -> Path:
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        known = {
            "name": name,
            "parts": [{"dataset": "four"}],
            "publish_url": str(self.published),
            "checkpoints_dir": str(self.checkpoints),
            "work_dir": str(self.folder / "work"),
            "model_size": "tiny",
            "resolution": "480",
            "fps": 10,
            "preset": "quick",
            "training": {
                "iterations": 40,
                "clips_a_step": 2,
                "lora_rank": RANK,
                "lora_alpha": RANK,
                "learning_rate": 0.01,
                "save_every": 5,
                "sample_every": 0,
            },
        }
        (folder / "post_train.yaml").write_text(json.dumps(known | keys))
        return folder

    def run_of(self, name: str, what: str = "run") -> RunFolder:
        return RunFolder(self.folder / "work" / "post_training" / name / what)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Four clips of the sample dataset, small, and a base network."""
    made = Home(tmp_path_factory.mktemp("post_train"))
    make_tiny_checkpoint(made.checkpoints, for_training=True)
    rows = pd.read_parquet(QUICKSTART / "scenarios.parquet")
    dataset = made.folder / "four"
    dataset.mkdir()
    rows[rows.scenario_id.isin(SCENARIOS)].assign(split="train").to_parquet(dataset / "scenarios.parquet")
    keys = {"name": "four", "resolution": "480", "fps": 10, "publish_url": str(made.published)}
    (dataset / "dataset.yaml").write_text(json.dumps(keys))
    done = made.its("build", str(dataset))
    assert done.returncode == 0, done.stdout + done.stderr
    return made


@pytest.fixture(scope="module")
def trained(home: Home) -> Home:
    """A model whose training learnt its four clips by heart first."""
    learning = {"iterations": 600, "learning_rate": 0.0167, "warm_up": 0, "validate_every": 600}
    folder = home.define_training("crossings", overfit_gate={"loss_ratio": 0.1, "training": learning})
    done = home.its("post-train", str(folder), with_prefect=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return home


def test_the_loss_on_four_clips_of_the_sample_dataset_falls_to_a_tenth(trained: Home) -> None:
    found = [
        line["validation"] for line in read_lines(trained.run_of("crossings", "gate").metrics) if "validation" in line
    ]
    assert found[-1]["loss"] < 0.1 * found[0]["loss"]
    clips = json.loads((trained.run_of("crossings", "gate").path / "training_set.json").read_text())["clips"]
    assert sorted(clip["kind"] for clip in clips) == ["incident", "incident", "normal", "normal"]


def render(home: Home, name: str, *flags: str) -> np.ndarray:
    """A clip by the guide's own command: frames of the clip."""
    frame = home.folder / "frame.png"
    if not frame.is_file():
        clip = next(home.published.glob("four/*/train/**/*.mp4"))
        Image.fromarray(next(iter(video.read_frames(clip)))).save(frame)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=1"]
    command += ["-m", "its_core.shards.worker", "--model_size", "tiny", "--checkpoints_dir", str(home.checkpoints)]
    command += ["--resolution", "480", "--fps", "10", "--input_path", str(frame), "--save_path", f"{name}.mp4"]
    command += ["--prompt", "A static traffic CCTV camera shows a highway.", "--num_gpus", "1", "--offload_guardrail"]
    command += ["--offload_prompt_refiner", *flags]
    done = subprocess.run(command, env=home.environment, cwd=home.folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return np.stack(list(video.read_frames(home.folder / f"{name}.mp4")))


def test_a_checkpoint_renders_through_the_guides_command_and_not_as_the_base(trained: Home) -> None:
    checkpoint = trained.run_of("crossings").checkpoints / "model" / "iter_000000040.pt"
    lora = ("--use_lora", "--lora_rank", str(RANK), "--lora_alpha", str(RANK))
    targets = ("--lora_target_modules", "q_proj,k_proj,v_proj,output_proj,mlp.layer1,mlp.layer2")
    ours = render(trained, "ours", "--dit_path", str(checkpoint), *lora, *targets)
    base = render(trained, "base", "--dit_path", str(next(trained.checkpoints.rglob("model-480p-10fps.pt"))))
    assert ours.shape == base.shape == (61, 432, 768, 3)
    difference = np.abs(ours.astype(int) - base.astype(int)).mean(axis=(1, 2, 3))
    assert difference[0] < 3  # both begin with the frame that was given
    assert difference[10:].min() > 5


def test_a_dataset_is_built_with_a_model_by_its_name_and_traced_back(trained: Home) -> None:
    dataset = trained.folder / "made"
    dataset.mkdir()
    clip = next(trained.published.glob("four/*/train/**/*.mp4"))
    Image.fromarray(next(iter(video.read_frames(clip)))).save(dataset / "frame.png")
    row = {"scenario_id": "a", "camera_id": "a", "incident_type": "rear_end_collision", "input_image": "frame.png"}
    pd.DataFrame([row]).to_parquet(dataset / "scenarios.parquet")
    options = {"model_size": "tiny", "checkpoints_dir": str(trained.checkpoints), "dit_path": "model:crossings@latest"}
    engine = {"name": "cosmos", "options": options | {"disable_guardrail": True, "disable_prompt_refiner": True}}
    keys = {"name": "made", "resolution": "480", "fps": 10, "publish_url": str(trained.published), "engine": engine}
    (dataset / "dataset.yaml").write_text(json.dumps(keys))
    done = trained.its("build", str(dataset))
    assert done.returncode == 0, done.stdout + done.stderr

    found = trained.its("trace", str(trained.published), "--model", "crossings")
    assert found.returncode == 0, found.stderr
    assert "made" in found.stdout
    assert "1 clips in 1 versions" in found.stdout
    found = trained.its("trace", "--clip", clip.stem)
    assert found.returncode == 0, found.stderr
    assert "crossings" in found.stdout


def test_a_killed_flow_goes_on_to_the_same_bytes(trained: Home) -> None:
    """The same training under another name, killed in the middle and called again."""
    folder = trained.define_training("killed", overfit_gate={"skip": True})
    run = trained.run_of("killed")
    command = [sys.executable, "-m", "its_flows.cli.main", "post-train", str(folder)]
    quiet = subprocess.DEVNULL
    flow = subprocess.Popen(command, env=trained.without_prefect, cwd=trained.folder, stdout=quiet, stderr=quiet)
    wait_until(lambda: any("loss" in line for line in read_lines(run.metrics)), 500, every_s=0.02)
    flow.kill()
    flow.wait()
    wait_until(lambda: not _processes_of(run), 500)
    done = trained.its("post-train", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "registered" in done.stdout
    both = [each.checkpoints / "lora" / "iter_000000040.safetensors" for each in (run, trained.run_of("crossings"))]
    assert both[0].read_bytes() == both[1].read_bytes()


def _processes_of(run: RunFolder) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if str(run.path) in process.cmdline() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found
