"""Reference cases: tensors that NVIDIA's own training code computed for a small network."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from torch import Tensor, nn

from its_core.engines.cosmos.model.checkpoint import read_network
from its_core.engines.cosmos.model.network import Video2WorldNetwork
from its_core.engines.cosmos.shapes import NetworkShape
from its_core.post_training.model.lora import LoraSettings, add_lora
from its_core.post_training.model.objective import NoisyBatch, add_noise

FOLDER = Path(os.environ.get("ITS_TRAINING_REFERENCE_DIR") or Path(__file__).parent / "reference")


@dataclass(frozen=True)
class TrainingCase:
    name: str
    settings: dict[str, Any]
    tensors: dict[str, Tensor]

    @property
    def steps(self) -> range:
        return range(len(self.settings["steps"]))

    @property
    def trained_schedules(self) -> list[str]:
        """The schedules that steps were made with; ``…_clipped``: with gradients clipped to a norm of 1."""
        return sorted({key.split(".")[1] for key in self.tensors if key.endswith(".losses")})

    @property
    def lora(self) -> LoraSettings:
        config = self.settings["config"]
        return LoraSettings(config["lora_rank"], config["lora_alpha"], tuple(config["lora_target_modules"].split(",")))

    def network(self, start: str | None = None) -> tuple[Video2WorldNetwork, dict[str, nn.Parameter]]:
        """The base network with a LoRA as NVIDIA's run began: ``fresh`` (B zero) or ``warm``."""
        config = self.settings["config"]
        shape = NetworkShape(
            width=config["model_channels"],
            blocks=config["num_blocks"],
            heads=config["num_heads"],
            rope_ratio=(config["rope_t"], config["rope_h"], config["rope_w"]),
            text_width=config["crossattn_emb_channels"],
            adaln_rank=config["adaln_lora_dim"],
        )
        network = Video2WorldNetwork(shape)
        network.load_state_dict(read_network(FOLDER / config["base_weights"]).base)
        weights = add_lora(network, self.lora, seed=0)
        if start is not None:
            with torch.no_grad():
                for name, weight in weights.items():
                    if ".lora_A." in name:
                        weight.copy_(self.tensors[f"lora.A.{name}"])
                    elif start == "warm":
                        weight.copy_(self.tensors[f"lora.warm_B.{name}"])
        return network, weights

    def batch(self, step: int) -> NoisyBatch:
        tensors = self.tensors
        return add_noise(
            tensors[f"step{step}.x0_B_C_T_H_W"],
            tensors[f"step{step}.epsilon_B_C_T_H_W"],
            tensors[f"step{step}.sigma_B_1"][:, 0],
            tensors[f"step{step}.num_conditional_latent_frames_B"],
        )

    def text(self, step: int) -> Tensor:
        return self.tensors[f"step{step}.text_B_N_D"] * self.tensors[f"step{step}.text_kept_B"][:, None, None]

    def has_high_sigma(self, step: int) -> bool:
        return bool((self.tensors[f"step{step}.sigma_B_1"] >= 200).any())


def read_case(file: Path) -> TrainingCase:
    with safe_open(file, "pt") as tensors:
        settings = json.loads(tensors.metadata()["case"])
        return TrainingCase(file.stem, settings, {key: tensors.get_tensor(key) for key in tensors.keys()})  # noqa: SIM118


@cache
def all_cases() -> list[TrainingCase]:
    files = sorted(FOLDER.glob("*_training.safetensors"))
    assert files, f"no training reference in {FOLDER}"
    return [read_case(file) for file in files]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every case, and with ``step`` or ``schedule`` every one of its steps or schedules, as its file names them."""
    if "case" not in metafunc.fixturenames:
        return
    found = all_cases()
    if "step" in metafunc.fixturenames:
        steps = [(case, step) for case in found for step in case.steps]
        metafunc.parametrize(("case", "step"), steps, ids=[f"{case.name}-{step}" for case, step in steps])
    elif "schedule" in metafunc.fixturenames:
        schedules = [(case, name) for case in found for name in case.trained_schedules]
        metafunc.parametrize(("case", "schedule"), schedules, ids=[f"{case.name}-{name}" for case, name in schedules])
    else:
        metafunc.parametrize("case", found, ids=[case.name for case in found])


@pytest.fixture
def relative_error() -> Callable[..., float]:
    def error(ours: Tensor, theirs: Tensor, least_norm: float = 0.0) -> float:
        """The norm of what differs, relative to the norm of ``theirs`` or to ``least_norm``, whichever is larger."""
        return float((ours.double() - theirs.double()).norm() / max(float(theirs.double().norm()), least_norm))

    return error


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
