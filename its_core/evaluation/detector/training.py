"""Trains the detector: resumable, reproducible from its seed, the same on a processor and on a GPU."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from its_core import storage
from its_core.errors import FactoryError
from its_core.evaluation.detector import looks, peaks, road_users, views
from its_core.evaluation.detector.batches import batches, crops_of, groups_of, planned_epoch
from its_core.evaluation.detector.features import Features
from its_core.evaluation.detector.losses import loss_of
from its_core.evaluation.detector.network import Network
from its_core.evaluation.ground_truth import TrueClip

_FEWEST_EPOCHS, _STEPS, _THOROUGH_STEPS = 12, 1100, 2200  # the steps are of the default crops
_TO_FIT_PEAKS = (looks.Look(),)  # the other looks would take more than five times as long again
GPU_MAKERS = 4  # that make batches: a GPU uses one in a fraction of the time that one thread takes to make it
_FORMAT = 5
_WIDE_FROM, _WIDE_BATCH = 0.7, 3 / 8  # of the epochs, and of the batch size


class TrainingError(FactoryError, ValueError):
    """Clips that nothing can be learnt from, or a checkpoint of another training."""

    default_code = "training"


@dataclass(frozen=True, slots=True)
class Settings:
    """``epochs`` passes over the clips; None: enough for 1,100 steps of the default crops, 12 at least.
    ``batch_size``: crops a step, about.
    ``thorough``: twice the epochs, of larger crops, in the last ones of nearly whole clips; many times the computing,
    for a GPU.
    ``device``: cpu, cuda, or auto (a GPU where there is one)."""

    epochs: int | None = None
    batch_size: int = 8
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    averaging: float = 0.97
    thorough: bool = False
    seed: int = 0
    device: str = "auto"

    def epochs_over(self, clips: Sequence[TrueClip]) -> int:
        if self.epochs is not None:
            return self.epochs
        crops = sum(crops_of(*group) for group in groups_of(clips))
        steps = _THOROUGH_STEPS if self.thorough else _STEPS
        return max(_FEWEST_EPOCHS, math.ceil(steps * self.batch_size / crops))

    def crops_at(self, epoch: int, epochs: int) -> tuple[views.Window, int]:
        """What the views of an epoch hold, and how many make a batch."""
        if not self.thorough:
            return views.SHORT, self.batch_size
        if epoch < int(_WIDE_FROM * epochs):
            return views.LONGER, self.batch_size
        return views.WIDE, max(1, int(_WIDE_BATCH * self.batch_size))

    @property
    def torch_device(self) -> torch.device:
        if self.device == "auto":
            return torch.device("cuda" if torch.cuda.is_available() else "cpu")
        return torch.device(self.device)


def train(
    clips: Sequence[TrueClip],
    features: Mapping[str, Features],
    settings: Settings,
    checkpoint: Path,
    on_epoch: Callable[[int, float], None] | None = None,
) -> Network:
    """The detector after all epochs, its weights averaged over the last steps, then its classifier of peaks fitted.

    Goes on from ``checkpoint`` where that is of the same clips and settings: the result is the one of an undisturbed
    training. The file is written after every epoch, whole or not at all.

    Args:
        on_epoch: called with the number of epochs done and the mean loss of the last.

    Raises:
        TrainingError: there are no clips with, or none without an accident, or the checkpoint is of something else.
    """
    accidents = [clip.is_accident for clip in clips]
    if all(accidents) or not any(accidents):
        raise TrainingError(
            f"{sum(accidents)} of {len(clips)} clips to train on have an accident; both kinds are needed",
            code="training.one_class",
        )
    device = settings.torch_device
    torch.manual_seed(settings.seed)
    network, averaged = Network().to(device), Network().to(device)
    averaged.load_state_dict(network.state_dict())
    optimiser = torch.optim.AdamW(network.parameters(), settings.learning_rate, weight_decay=settings.weight_decay)
    identity = _identity(clips, settings)
    done = _resume(checkpoint, identity, network, averaged, optimiser, device)
    users = road_users.load_all(clips, features)
    groups = groups_of(clips)
    epochs = settings.epochs_over(clips)
    for epoch in range(done, epochs):
        network.train()
        torch.manual_seed(settings.seed * 1000 + epoch)  # dropout
        losses = []
        window, batch_size = settings.crops_at(epoch, epochs)
        threads = GPU_MAKERS if device.type == "cuda" else 1
        planned = planned_epoch(groups, features, users, window, batch_size, settings.seed, epoch)
        for share, batch in batches(planned, features, users, threads):
            progress = (epoch + share) / epochs
            for parameters in optimiser.param_groups:
                parameters["lr"] = settings.learning_rate * _schedule(progress)
            batch = batch.to(device)
            loss = loss_of(network(batch.frames, batch.flow, batch.background, batch.lengths), batch)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            _average(averaged, network, settings.averaging if progress > 0.1 else 0.5)
            losses.append(loss.item())
        _save(checkpoint, identity, epoch + 1, network, averaged, optimiser)
        if on_epoch is not None:
            on_epoch(epoch + 1, float(np.mean(losses)))
    averaged.eval()
    if not averaged.peaks.fitted:
        _fit_peaks(averaged, clips, features)
        _save(checkpoint, identity, epochs, network, averaged, optimiser)
    return averaged


def load(checkpoint: Path, device: torch.device | None = None) -> Network:
    """A trained detector. Raises TrainingError for a file that is none."""
    network = Network()
    try:
        network.load_state_dict(torch.load(checkpoint, map_location="cpu", weights_only=True)["averaged"])
    except (OSError, KeyError, RuntimeError, ValueError, AttributeError, EOFError) as error:
        raise TrainingError(f"{checkpoint}: is no detector's checkpoint ({type(error).__name__})") from None
    except Exception as error:
        if type(error).__name__ != "UnpicklingError":
            raise
        raise TrainingError(f"{checkpoint}: is no detector's checkpoint (it holds more than weights)") from None
    return network.to(device or "cpu").eval()


def _fit_peaks(network: Network, clips: Sequence[TrueClip], features: Mapping[str, Features]) -> None:
    cues, contact = [], []
    for clip in clips:
        seen = features[clip.clip_id]
        found = peaks.find(looks.look_at(network, seen, _TO_FIT_PEAKS), seen)
        cues.append(found.cues)
        contact.append(found.are_contact(clip, seen))
    network.peaks.fit(np.concatenate(cues), np.concatenate(contact))


def _schedule(progress: float) -> float:
    """Up over the first twentieth, then down along a cosine."""
    warm = 0.05
    if progress < warm:
        return max(0.02, progress / warm)
    return 0.5 * (1 + math.cos(math.pi * (progress - warm) / (1 - warm)))


@torch.no_grad()
def _average(averaged: Network, network: Network, keep: float) -> None:
    """Of the weights; the statistics of the norms are running means already."""
    for ours, theirs in zip(averaged.parameters(), network.parameters(), strict=True):
        ours.lerp_(theirs, 1 - keep)
    for kept, newest in zip(averaged.buffers(), network.buffers(), strict=True):
        kept.copy_(newest)


def _identity(clips: Sequence[TrueClip], settings: Settings) -> dict[str, Any]:
    kept = asdict(settings)
    kept.pop("device")
    return {"format": _FORMAT, "settings": kept, "clips": [clip.clip_id for clip in clips]}


def _save(
    path: Path,
    identity: dict[str, Any],
    epochs: int,
    network: Network,
    averaged: Network,
    optimiser: torch.optim.Optimizer,
) -> None:
    state = {
        "identity": identity,
        "epochs": epochs,
        "network": network.state_dict(),
        "averaged": averaged.state_dict(),
        "optimiser": optimiser.state_dict(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with storage.replacing(path) as part:
        torch.save(state, part)


def _resume(
    path: Path,
    identity: dict[str, Any],
    network: Network,
    averaged: Network,
    optimiser: torch.optim.Optimizer,
    device: torch.device,
) -> int:
    """Epochs that are done already."""
    if not path.exists():
        return 0
    state = torch.load(path, map_location=device, weights_only=True)
    if state["identity"] != identity:
        raise TrainingError(
            f"{path}: is of other clips or settings, or of an earlier detector; delete it, or name another output",
            code="training.checkpoint",
        )
    network.load_state_dict(state["network"])
    averaged.load_state_dict(state["averaged"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["epochs"])
