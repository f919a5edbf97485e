"""Clips drawn for the detector: two blocks that meet and stop, or pass each other, before a background a camera."""

from pathlib import Path
from typing import Any

import numpy as np

from its_core.clip import Geometry
from its_core.evaluation.ground_truth import GroundTruth, TrueClip
from its_core.video import write_mp4
from tests.evaluation import made_up

GEOMETRY = Geometry(width_px=144, height_px=80, fps=8, frames=24)
_CAR = 14


def clips(folder: Path, cameras: int = 6, split_test: int = 2) -> GroundTruth:
    """Two accidents and two clips without one for each camera; the last cameras are the test split."""
    found: list[TrueClip] = []
    for camera in range(cameras):
        split = "test" if camera >= cameras - split_test else "train"
        for number in range(4):
            found.append(_clip(folder, f"{camera}-{number}", camera, split, meets=number % 2 == 0))
    return GroundTruth("drawn/1", str(folder), tuple(found))


def _clip(folder: Path, name: str, camera: int, split: str, *, meets: bool) -> TrueClip:
    rng = np.random.default_rng([camera, *name.encode()])
    background = np.random.default_rng(camera).integers(60, 120, (10, 18, 1)).repeat(8, 0).repeat(8, 1).repeat(3, 2)
    contact = int(rng.integers(8, 17))
    x, y = float(rng.uniform(40, 100)), float(rng.uniform(20, 55))
    apart = 0.0 if meets else float(rng.choice([-22, 22]))
    pictures = []
    for frame in range(GEOMETRY.frames):
        picture = background.astype(np.uint8)
        left = min(frame - contact, 0) if meets else frame - contact
        _draw(picture, x - _CAR / 2 + 4 * left, y, 235)
        _draw(picture, x + _CAR / 2 - 3 * left, y + apart, 20)
        pictures.append(picture)
    path = folder / f"{name}.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mp4(path, iter(pictures), GEOMETRY)
    shared: dict[str, Any] = {"video_url": str(path), "camera_id": f"cam-{camera}", "split": split, "duration_s": 3.0}
    if not meets:
        return made_up.calm(name, **shared)
    box = ((x - _CAR) / 144, (y - 4) / 80, (x + _CAR) / 144, (y + 4) / 80)
    return made_up.clip(
        name, **shared, accident_time_s=contact / 8, anomaly_start_s=0.5, center=(x / 144, y / 80), box=box
    )


def _draw(picture: np.ndarray, x: float, y: float, value: int) -> None:
    left, top = round(x - _CAR / 2), round(y - 4)
    picture[max(0, top) : max(0, top + 8), max(0, left) : max(0, left + _CAR)] = value
