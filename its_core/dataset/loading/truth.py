"""Frame-by-frame truth of a clip as tensors: boxes, tracks and masks, in pixels of the frames that are returned."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from its_core.dataset.loading.files import LoadError
from its_core.taxonomy import ParticipantType, Role

Part = Literal["boxes", "tracks", "masks"]
CLASSES: tuple[str, ...] = tuple(kind.value for kind in ParticipantType)
ROLES: tuple[str, ...] = tuple(role.value for role in Role)


def tensors(
    annotations: dict[str, Any],
    frames: Sequence[int],
    size_px: tuple[int, int],
    scale: tuple[float, float],
    parts: Collection[Part],
) -> dict[str, torch.Tensor]:
    """The truth of chosen frames.

    Args:
        frames: numbers in the clip of the frames that are returned, T of them.
        size_px: height and width of the returned frames.
        scale: their size over the clip's own, vertical and horizontal.

    Returns:
        For "boxes", of N visible participants in all frames: ``boxes`` float32 [N, 4] x1 y1 x2 y2 in pixels,
        ``box_frames`` int64 [N] (0 to T - 1), ``box_tracks`` int64 [N], ``box_classes`` int64 [N] (in CLASSES).
        For "tracks", of K tracks: ``track_ids``, ``track_classes``, ``track_roles`` int64 [K], ``track_boxes`` float32
        [K, T, 4], ``track_speeds_mps`` float32 [K, T], both NaN where it does not show.
        For "masks": ``masks`` bool [N, height, width], in the order of the boxes; none where the clip has none.
    """
    places: dict[int, list[int]] = {}
    for place, number in enumerate(frames):
        places.setdefault(number, []).append(place)
    tracks = annotations.get("tracks", [])
    seen = [
        (place, track, state)
        for track in tracks
        for state in track["frames"]
        if state.get("visible_box") is not None
        for place in places.get(state["frame"], ())
    ]
    seen.sort(key=lambda item: (item[0], item[1]["track_id"]))
    found: dict[str, torch.Tensor] = {}
    if "boxes" in parts:
        found["boxes"] = _boxes([state["visible_box"] for _, _, state in seen], scale)
        found["box_frames"] = torch.tensor([place for place, _, _ in seen], dtype=torch.int64)
        found["box_tracks"] = torch.tensor([track["track_id"] for _, track, _ in seen], dtype=torch.int64)
        found["box_classes"] = torch.tensor([_index(CLASSES, track["type"]) for _, track, _ in seen], dtype=torch.int64)
    if "tracks" in parts:
        found |= _tracks(tracks, seen, len(frames), scale)
    if "masks" in parts:
        masks = [state.get("mask") for _, _, state in seen]
        camera = annotations["camera"]
        clip_px = (camera["height_px"], camera["width_px"]) if camera else size_px
        pictures = [_mask(mask, clip_px, size_px) for mask in masks if mask is not None]
        if len(pictures) == len(seen) and pictures:
            found["masks"] = torch.stack(pictures)
        else:
            found["masks"] = torch.zeros((0, *size_px), dtype=torch.bool)
    return found


def _boxes(boxes: Sequence[Sequence[float]], scale: tuple[float, float]) -> torch.Tensor:
    vertical, horizontal = scale
    values = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    return values * torch.tensor([horizontal, vertical, horizontal, vertical])


def _tracks(
    tracks: Sequence[dict[str, Any]],
    seen: Sequence[tuple[int, dict[str, Any], dict[str, Any]]],
    length: int,
    scale: tuple[float, float],
) -> dict[str, torch.Tensor]:
    rows = {track["track_id"]: row for row, track in enumerate(tracks)}
    boxes = torch.full((len(tracks), length, 4), float("nan"))
    speeds = torch.full((len(tracks), length), float("nan"))
    for place, track, state in seen:
        row = rows[track["track_id"]]
        boxes[row, place] = _boxes([state["visible_box"]], scale)[0]
        speeds[row, place] = float(state["speed_mps"])
    return {
        "track_ids": torch.tensor([track["track_id"] for track in tracks], dtype=torch.int64),
        "track_classes": torch.tensor([_index(CLASSES, track["type"]) for track in tracks], dtype=torch.int64),
        "track_roles": torch.tensor([_index(ROLES, track["role"]) for track in tracks], dtype=torch.int64),
        "track_boxes": boxes,
        "track_speeds_mps": speeds,
    }


def _index(words: Sequence[str], word: str) -> int:
    return words.index(word) if word in words else -1


def _mask(counts: str, clip_px: tuple[int, int], size_px: tuple[int, int]) -> torch.Tensor:
    """A mask of the whole frame as a picture of bools, scaled to ``size_px`` by nearest neighbours."""
    mask = decode_rle(counts, *clip_px)
    rows, columns = ((np.arange(to) + 0.5) * size / to for size, to in zip(clip_px, size_px, strict=True))
    return torch.from_numpy(np.ascontiguousarray(mask[rows.astype(int)][:, columns.astype(int)]))


def decode_rle(counts: str, height: int, width: int) -> NDArray[np.bool_]:
    """COCO's compressed run lengths, down the columns, zeros first."""
    lengths = _unpacked(counts)
    if sum(lengths) != height * width or any(length < 0 for length in lengths):
        raise LoadError(
            f"a mask's runs sum to {sum(lengths)} pixels, its picture has {height * width}",
            code="load.truth_unreadable",
        )
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(width, height).T


def _unpacked(text: str) -> list[int]:
    """COCO's text form: 5 bits a character from the lowest on, then a flag for more; from the third on differences."""
    lengths: list[int] = []
    place = 0
    while place < len(text):
        value, shift, more = 0, 0, True
        while more:
            code = ord(text[place]) - 48
            value |= (code & 0x1F) << shift
            more = bool(code & 0x20)
            place, shift = place + 1, shift + 5
            if not more and code & 0x10:
                value -= 1 << shift
        lengths.append(value + (lengths[-2] if len(lengths) > 2 else 0))
    return lengths
