"""The overfit gate: which clips it trains on, and when it is closed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from its_core.engines.cosmos.weights import WeightsIdentity
from its_core.post_training import runs
from its_core.post_training.data import training_set
from its_core.post_training.errors import GateClosed
from its_core.post_training.settings import PostTraining, load
from tests.post_training.small_run import make_run

WEIGHTS = WeightsIdentity({"network": "a" * 64, "vae": "b" * 64, "text_encoder": "c" * 64})


def settings(folder: Path, **gate: Any) -> PostTraining:
    (folder / "post_train.yaml").write_text("name: small\nparts: [{dataset: quickstart}]\nmodel_size: tiny\n")
    return load(folder, {"overfit_gate": gate})


@pytest.mark.parametrize(("clips", "kinds"), [(2, ["incident", "normal"]), (3, ["incident", "normal", "incident"])])
def test_the_gate_takes_clips_of_every_kind(tmp_path: Path, clips: int, kinds: list[str]) -> None:
    prepared = training_set.read(make_run(tmp_path, tmp_path / "checkpoints", clips=6).path / training_set.FILE_NAME)
    gate = runs.order_gate(settings(tmp_path, clips=clips), WEIGHTS, prepared)
    chosen = training_set.read(gate.read_orders().training_set).clips
    assert sorted(clip.kind for clip in chosen) == sorted(kinds)
    assert {clip.use for clip in chosen} == {"train"}
    assert gate.read_orders().validate_on == "train"


@pytest.mark.parametrize(("last", "closed"), [(0.8, True), (0.6, False)])
def test_the_gate_is_closed_where_the_loss_does_not_fall_far_enough(tmp_path: Path, last: float, closed: bool) -> None:
    run = make_run(tmp_path, tmp_path / "checkpoints")
    lines = (f'{{"iteration": {n}, "validation": {{"loss": {loss}}}}}\n' for n, loss in ((0, 1.0), (6, last)))
    run.metrics.write_text("".join(lines))
    asked = settings(tmp_path, loss_ratio=0.7)
    if closed:
        with pytest.raises(GateClosed) as caught:
            runs.check_gate(asked, run)
        assert caught.value.code == "post_training.gate"
    else:
        assert runs.check_gate(asked, run)["ratio"] == last
