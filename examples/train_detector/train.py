"""Trains a small clip classifier with AccidentClips and plain PyTorch, and writes predictions for ``its score``."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from its_core.dataset import AccidentClips, collate

SIZE_PX = (72, 128)
FRAMES = 16


def network() -> nn.Sequential:
    """From [clips, 3, frames, height, width] to one logit a clip."""
    return nn.Sequential(
        nn.Conv3d(3, 8, (3, 5, 5), stride=(1, 4, 4), padding=(1, 2, 2)),
        nn.ReLU(),
        nn.Conv3d(8, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveMaxPool3d(1),
        nn.Flatten(),
        nn.Linear(16, 1),
    )


def pictures(batch: dict) -> Tensor:
    return batch["frames"].float().permute(0, 2, 1, 3, 4) / 255 - 0.5


def train(version: str, epochs: int, batch_size: int = 4) -> nn.Module:
    clips = AccidentClips(version, split="train", frames=FRAMES, size_px=SIZE_PX)
    stream = clips.stream(batch_size=batch_size, seed=0, balance="label")
    loader = DataLoader(stream, batch_size=batch_size, collate_fn=collate)
    torch.manual_seed(0)
    model = network()
    optimiser = torch.optim.AdamW(model.parameters(), 1e-3)
    for epoch in range(epochs):
        stream.set_epoch(epoch)
        for batch in loader:
            loss = nn.functional.binary_cross_entropy_with_logits(model(pictures(batch))[:, 0], batch["label"].float())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        print(f"epoch {epoch + 1}: loss of the last batch {loss.item():.3f}")
    return model.eval()


@torch.no_grad()
def predict(model: nn.Module, version: str, path: Path) -> None:
    loader = DataLoader(AccidentClips(version, frames=FRAMES, size_px=SIZE_PX), batch_size=4, collate_fn=collate)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["clip_id", "score"])
        for batch in loader:
            scores = torch.sigmoid(model(pictures(batch))[:, 0])
            writer.writerows(zip(batch["clip_id"], scores.tolist(), strict=True))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("version", help="a published version or dataset")
    arguments.add_argument("predictions", type=Path)
    arguments.add_argument("--epochs", type=int, default=5)
    asked = arguments.parse_args()
    predict(train(asked.version, asked.epochs), asked.version, asked.predictions)


if __name__ == "__main__":
    main()
