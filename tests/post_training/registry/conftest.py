"""A small run that has ended, and the model that it was registered as."""

from __future__ import annotations

from pathlib import Path

import pytest

from its_core.post_training import runs
from its_core.post_training.registry.register import Registered, register
from its_core.post_training.run_folder import RunFolder
from its_core.post_training.training.trainer import Trainer
from tests.post_training.small_run import make_run


@pytest.fixture(scope="package")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("registry")


@pytest.fixture(scope="package")
def run(home: Path) -> RunFolder:
    made = make_run(home, home / "checkpoints", iterations=2)
    Trainer(made).train()
    return made


@pytest.fixture
def model(home: Path, run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> Registered:
    monkeypatch.setenv("ITS_MODELS", str(home / "models"))
    found = runs.evaluation(run) | {"gate": {"base_loss": 1.0, "loss": 0.25, "ratio": 0.25}}
    return register(run, str(home / "models"), "A test.", str(home / "checkpoints"), found)
