"""Reference cases: tensors that NVIDIA's own modules computed for small networks."""

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
from torch import Tensor

from its_core.engines.cosmos.model.network import Video2WorldNetwork
from its_core.engines.cosmos.options import CosmosOptions
from its_core.engines.cosmos.shapes import NetworkShape

COPIES = Path(__file__).parent / "reference"
FOLDER = Path(os.environ.get("ITS_REFERENCE_DIR") or COPIES)


@dataclass(frozen=True)
class ReferenceCase:
    file: Path
    settings: dict[str, Any]
    tensors: dict[str, Tensor]

    @property
    def name(self) -> str:
        return self.file.stem

    @property
    def latent_frames(self) -> int:
        return self.tensors["x_B_C_T_H_W"].shape[2]

    @property
    def base(self) -> Path:
        return self.file.with_suffix(".base.pt")

    @property
    def lora(self) -> Path:
        return self.file.with_suffix(".iter_000001000.pt")

    @property
    def options(self) -> CosmosOptions:
        """The LoRA settings of the case, as a user would give them."""
        return CosmosOptions(
            model_size="tiny",
            use_lora=True,
            dit_path=str(self.lora),
            lora_rank=self.settings["lora_rank"],
            lora_alpha=self.settings["lora_alpha"],
            lora_target_modules=self.settings["lora_target_modules"],
        )

    def network(self, **changes: Any) -> Video2WorldNetwork:
        from its_core.engines.cosmos.model.lora import load_network  # brings PEFT: seconds that spawned processes save

        options = self.options.model_copy(update=changes)
        return load_network(options, self.shape, torch.device("cpu"), torch.float32)

    def output(self, network: Video2WorldNetwork) -> Tensor:
        return network(
            self.tensors["x_B_C_T_H_W"],
            self.tensors["timesteps_B_T"],
            self.tensors["text_B_N_D"],
            self.tensors["condition_mask_B_1_T_H_W"],
        )

    @property
    def shape(self) -> NetworkShape:
        config = self.settings["config"]
        return NetworkShape(
            width=config["model_channels"],
            blocks=config["num_blocks"],
            heads=config["num_heads"],
            rope_ratio=(config["rope_t"], config["rope_h"], config["rope_w"]),
            text_width=config["crossattn_emb_channels"],
            adaln_rank=config["adaln_lora_dim"],
        )


def read_case(file: Path) -> ReferenceCase:
    with safe_open(file, "pt") as tensors:
        settings = json.loads(tensors.metadata()["case"])
        return ReferenceCase(file, settings, {key: tensors.get_tensor(key) for key in tensors.keys()})  # noqa: SIM118


@pytest.fixture
def relative_error() -> Callable[[Tensor, Tensor], float]:
    return _relative_error


def _relative_error(ours: Tensor, theirs: Tensor) -> float:
    return float((ours.double() - theirs.double()).norm() / theirs.double().norm())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "case" in metafunc.fixturenames:
        found = all_cases()
        metafunc.parametrize("case", found, ids=[case.name for case in found])


@cache
def all_cases() -> list[ReferenceCase]:
    files = sorted(FOLDER.glob("*.safetensors"))
    assert files, f"no reference case in {FOLDER}"
    return [read_case(file) for file in files]


@pytest.fixture
def tiny_2b() -> ReferenceCase:
    """The repository's own case of that name."""
    return read_case(COPIES / "tiny_2b.safetensors")


@pytest.fixture
def cases() -> list[ReferenceCase]:
    return all_cases()


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every checkpoint of size tiny; not to be changed."""
    from its_core.engines.cosmos.model.tiny import make_tiny_checkpoint

    folder = tmp_path_factory.mktemp("checkpoints")
    make_tiny_checkpoint(folder)
    return folder


@pytest.fixture(autouse=True)
def _one_thread_without_gradients() -> Iterator[None]:
    torch.set_num_threads(1)
    with torch.no_grad():
        yield
