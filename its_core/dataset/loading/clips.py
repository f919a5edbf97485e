"""Published clips for PyTorch: a map dataset, and a stream of it for iterable loading."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch.utils.data import Dataset, IterableDataset, default_collate, get_worker_info

from its_core.dataset.loading import decode, filters, index, ordering, truth
from its_core.dataset.loading.annotations import read as read_annotations
from its_core.dataset.loading.files import LoadError
from its_core.dataset.loading.index import Row
from its_core.taxonomy import CollisionType

Sample = dict[str, Any]
Transform = Callable[[Sample], Sample]
Unit = Literal["clip", "window", "frame"]
TYPES: tuple[str, ...] = tuple(kind.value for kind in CollisionType)
_PLACE = ("center_x", "center_y")
_BOX = ("x1", "y1", "x2", "y2")


@dataclass(frozen=True, slots=True)
class _Item:
    """Frames ``[start, end)`` of the clip in ``row``."""

    row: int
    start: int
    end: int


class AccidentClips(Dataset[Sample]):
    """The clips of a published version, local or on S3, as samples for PyTorch.

    A sample is a dict:

    ========================  ==========================================================================
    ``frames``                uint8 [T, 3, height, width], RGB, 0 to 255; [3, height, width] for unit "frame"
    ``times_s``               float32 [T], seconds from the clip's start
    ``label``                 1 where first contact lies within the sample's frames, else 0
    ``type``                  the kind of crash, an index in ``AccidentClips.types``; -1 where there is none
    ``accident_time_s``       float, seconds from the sample's first frame to first contact; NaN without one
    ``center``                float32 [2], the impact's x and y as shares of the frame, 0 to 1; NaN without one
    ``box``                   float32 [4], x1 y1 x2 y2 around those who crash, as shares; NaN without one
    ``anomaly``               bool [T], frames in which the incident can be seen
    ``clip_id``, ``camera_id``  texts
    ========================  ==========================================================================

    and what ``columns`` and ``truth`` add (``its_core.dataset.loading.truth.tensors`` lists the latter's tensors).

    Args:
        url: a version's folder or ``s3://`` prefix, or a dataset's, whose latest version it is then.
        split: "train", "val" or "test"; None: all.
        where: a filter over label columns, like ``light == "night" and incident_type != "normal_traffic"``.
        unit: what a sample is: a whole clip, a window of one, or a frame.
        window_s: the length of a window; a clip that is shorter is one window.
        stride_s: from one window or frame to the next; None: a window's length, or one frame.
        frames: take so many frames, evenly spread over the unit, instead of all.
        size_px: height and width to scale frames to while they are decoded.
        columns: label columns to add to each sample under their names.
        truth: parts of the frame-by-frame truth to add: "boxes", "tracks", "masks".
        transform: called with each sample, returns what is delivered. torchvision's v2 transforms can be given: frames,
            boxes and masks come as its ``tv_tensors`` then.

    Raises:
        LoadError: nothing is published there, there is no such split or column, or a clip cannot be read.
    """

    types = TYPES

    def __init__(
        self,
        url: str,
        *,
        split: str | None = None,
        where: str | None = None,
        unit: Unit = "clip",
        window_s: float = 2.0,
        stride_s: float | None = None,
        frames: int | None = None,
        size_px: tuple[int, int] | None = None,
        columns: Sequence[str] = (),
        truth: Collection[truth.Part] = (),
        transform: Transform | None = None,
    ) -> None:
        _check(unit, window_s, stride_s, frames)
        self.url = index.open_version(url)
        rows = index.rows(self.url, split)
        known = {name for row in rows for name in row}
        missing = [name for name in columns if rows and name not in known]
        if missing:
            raise LoadError(f"{self.url}: there is no column {missing[0]!r}", code="load.no_such_column")
        self.rows = list(filter(filters.parse(where, known), rows)) if where and rows else rows
        self._items = [
            item for number, row in enumerate(self.rows) for item in _items(number, row, unit, window_s, stride_s)
        ]
        self._unit, self._frames, self._size_px = unit, frames, size_px
        self._columns, self._truth = tuple(columns), frozenset(truth)
        self._transform = _with_tv_tensors(transform)

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, place: int) -> Sample:
        item = self._items[place]
        row = self.rows[item.row]
        wanted = _spread(item.start, item.end, self._frames)
        # Workers share the processor already; alone, the decoder may use all of it.
        frames = decode.frames(row["video_url"], wanted, self._size_px, threads=1 if get_worker_info() else 0)
        sample: Sample = {"frames": frames, **_labels(row, item, wanted)}
        if self._truth and row["annotations_url"] is not None:
            height, width = frames.shape[-2:]
            scale = height / row["height"], width / row["width"]
            annotations = read_annotations(row["annotations_url"])
            sample |= truth.tensors(annotations, wanted, (height, width), scale, self._truth)
        sample |= {name: row.get(name) for name in self._columns}
        if self._unit == "frame":
            sample["frames"] = frames[0]
        return sample if self._transform is None else self._transform(sample)

    def label_of(self, place: int) -> int:
        """A sample's ``label``, without its frames being decoded."""
        item = self._items[place]
        return int(_contact(self.rows[item.row], item) is not None)

    def sampler(
        self,
        *,
        seed: int = 0,
        shuffle: bool = True,
        balance: str | None = None,
        rank: int | None = None,
        ranks: int | None = None,
    ) -> ordering.OrderedSampler:
        """For ``DataLoader(clips, sampler=…)``: this rank's samples, in an order that follows from seed and epoch.

        Args:
            balance: take samples so that each value of a label column (or of "label") comes equally often.
            rank, ranks: of this process; both None: torch.distributed's where it is initialised, else the only one.
                Shuffled, all ranks get equally many samples, some of them twice; unshuffled, each sample comes once.
        """
        number, count = ordering.rank_and_ranks(rank, ranks)
        groups = self._groups(balance)
        return ordering.OrderedSampler(len(self), groups, seed=seed, shuffle=shuffle, rank=number, ranks=count)

    def stream(
        self,
        *,
        batch_size: int = 1,
        seed: int = 0,
        shuffle: bool = True,
        balance: str | None = None,
        rank: int | None = None,
        ranks: int | None = None,
    ) -> ClipStream:
        """The same as an iterable dataset, sharded by rank and worker. ``batch_size`` must be the DataLoader's: then
        the order does not depend on the number of workers. The other arguments are the sampler's."""
        number, count = ordering.rank_and_ranks(rank, ranks)
        return ClipStream(self, self._groups(balance), batch_size, seed=seed, shuffle=shuffle, rank=number, ranks=count)

    def _groups(self, balance: str | None) -> list[Any] | None:
        if balance is None:
            return None
        if balance == "label":
            return [self.label_of(place) for place in range(len(self))]
        if self.rows and not any(balance in row for row in self.rows):
            raise LoadError(f"{self.url}: there is no column {balance!r} to balance by", code="load.no_such_column")
        return [self.rows[item.row].get(balance) for item in self._items]


class ClipStream(IterableDataset[Sample]):
    """An epoch of samples in order. Call ``set_epoch`` before each epoch; standing workers see it."""

    def __init__(
        self,
        clips: AccidentClips,
        groups: list[Any] | None,
        batch_size: int,
        *,
        seed: int,
        shuffle: bool,
        rank: int,
        ranks: int,
    ) -> None:
        self._clips, self._batch_size = clips, batch_size
        self._sampler = ordering.OrderedSampler(len(clips), groups, seed=seed, shuffle=shuffle, rank=rank, ranks=ranks)
        self._epoch = ordering.Epoch()

    def set_epoch(self, epoch: int) -> None:
        self._epoch.set(epoch)

    def __iter__(self) -> Iterator[Sample]:
        self._sampler.set_epoch(int(self._epoch))
        for place in ordering.of_worker(list(self._sampler), self._batch_size):
            yield self._clips[place]

    def __len__(self) -> int:
        return len(self._sampler)


def collate(samples: Sequence[Sample]) -> Sample:
    """A batch: tensors of one shape are stacked, numbers become tensors, everything else (texts, boxes of samples with
    different counts, nulls) stays a list with one entry a sample."""
    batch: Sample = {}
    for name in samples[0]:
        values = [sample.get(name) for sample in samples]
        shapes = {value.shape if isinstance(value, torch.Tensor) else None for value in values}
        alike = len(shapes) == 1 and None not in shapes
        numbers = all(isinstance(value, int | float) for value in values)
        batch[name] = default_collate(values) if alike or numbers else values
    return batch


def _check(unit: str, window_s: float, stride_s: float | None, frames: int | None) -> None:
    if unit not in ("clip", "window", "frame"):
        raise LoadError(f"unit {unit!r}: must be clip, window or frame", code="load.argument")
    for name, value in (("window_s", window_s), ("stride_s", stride_s), ("frames", frames)):
        if value is not None and not 0 < value < math.inf:
            raise LoadError(f"{name} {value!r}: must be greater than 0", code="load.argument")


def _items(number: int, row: Row, unit: Unit, window_s: float, stride_s: float | None) -> Iterator[_Item]:
    total, fps = row["no_frames"], row["fps"]
    if unit == "clip":
        yield _Item(number, 0, total)
        return
    length = 1 if unit == "frame" else min(total, max(1, round(window_s * fps)))
    stride = length if stride_s is None else max(1, round(stride_s * fps))
    for start in range(0, total - length + 1, stride):
        yield _Item(number, start, start + length)


def _spread(start: int, end: int, count: int | None) -> list[int]:
    """``count`` frame numbers in the middle of as many equal parts of ``[start, end)``; None: all."""
    if count is None:
        return list(range(start, end))
    return [start + int((place + 0.5) * (end - start) / count) for place in range(count)]


def _contact(row: Row, item: _Item) -> int | None:
    """First contact's frame in the clip, if it lies in the item."""
    frame: int | None = row["accident_frame"]
    return frame if frame is not None and item.start <= frame < item.end else None


def _labels(row: Row, item: _Item, wanted: Sequence[int]) -> Sample:
    fps = row["fps"]
    inside = _contact(row, item) is not None
    start, end = row["anomaly_start"], row["anomaly_end"]
    anomaly = [start is not None and start <= number < end for number in wanted]
    return {
        "times_s": torch.tensor([number / fps for number in wanted], dtype=torch.float32),
        "label": int(inside),
        "type": TYPES.index(row["type"]) if inside and row["type"] in TYPES else -1,
        "accident_time_s": row["accident_time"] - item.start / fps if inside else math.nan,
        "center": _numbers(row, _PLACE, inside),
        "box": _numbers(row, _BOX, inside),
        "anomaly": torch.tensor(anomaly, dtype=torch.bool),
        "clip_id": row["clip_id"],
        "camera_id": row["camera_id"],
    }


def _numbers(row: Mapping[str, Any], names: Sequence[str], inside: bool) -> torch.Tensor:
    values = [row[name] if inside and row[name] is not None else math.nan for name in names]
    return torch.tensor(values, dtype=torch.float32)


def _with_tv_tensors(transform: Transform | None) -> Transform | None:
    """torchvision's own transforms tell frames from boxes by the tensors' classes."""
    if transform is None or not type(transform).__module__.startswith("torchvision."):
        return transform
    from torchvision import tv_tensors

    def call(sample: Sample) -> Sample:
        size = tuple(sample["frames"].shape[-2:])
        wrapped = sample | {"frames": tv_tensors.Video(sample["frames"])}
        if "boxes" in sample:
            wrapped["boxes"] = tv_tensors.BoundingBoxes(sample["boxes"], format="XYXY", canvas_size=size)
        if "masks" in sample:
            wrapped["masks"] = tv_tensors.Mask(sample["masks"])
        return transform(wrapped)

    return call
