"""The visible boxes of a clip, frame by frame, as the detection formats want them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from its_core.annotations import Box, Track, TrackFrame
from its_core.dataset.formats.source import ExportClip


@dataclass(frozen=True, slots=True)
class Boxed:
    """A track in a frame in which it can be seen. ``box`` is x1, y1, x2, y2 in pixels, half-open."""

    track: Track
    at: TrackFrame
    box: Box


def boxes_by_frame(clip: ExportClip) -> Iterator[tuple[int, list[Boxed]]]:
    """Every frame of the clip, from 0, with its boxes; none for a clip without annotations."""
    by_frame: list[list[Boxed]] = [[] for _ in range(clip.frames)]
    for track in clip.annotations.tracks if clip.annotations else ():
        for at in track.frames:
            if at.visible_box is not None and 0 <= at.frame < clip.frames:
                by_frame[at.frame].append(Boxed(track, at, at.visible_box))
    yield from enumerate(by_frame)
