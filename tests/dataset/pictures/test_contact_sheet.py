"""The contact sheet: every kind of incident is on it, and what is drawn is drawn where it belongs."""

from __future__ import annotations

import numpy as np
from PIL import Image

from its_core.dataset.finished_clip import FinishedClip
from its_core.dataset.pictures import contact_sheet
from its_core.dataset.pictures.contact_sheet import Entry, choose, draw
from its_core.dataset.pictures.label_overlay import AT_FAULT, IMPACT, NOT_AT_FAULT, Picture, impact_picture
from tests.dataset import samples


def _has(image: Image.Image, colour: tuple[int, int, int], box: tuple[int, int, int, int]) -> bool:
    return bool((np.asarray(image.crop(box)) == colour).all(axis=2).any())


def test_all_clips_are_shown_when_they_fit() -> None:
    assert choose(["a", "b", "a"]) == [0, 1, 2]


def test_of_many_clips_every_kind_is_shown_in_turn() -> None:
    kinds = ["crash"] * 100 + ["near-miss"] * 3 + [None]

    chosen = choose(kinds)

    assert len(chosen) == contact_sheet.MOST_CLIPS
    assert chosen == [*range(20), 100, 101, 102, 103]


def test_a_row_holds_two_clips_and_later_three(clips: list[FinishedClip]) -> None:
    entry = Entry(clips[0].files.video, None, "Rear-end collision", "scenario-0")

    heights = {count: draw([entry] * count, "sample", "", samples.GEOMETRY).height for count in (2, 3, 13)}

    assert heights[2] < heights[3]
    assert heights[13] < 5 * heights[2]


def test_boxes_names_and_the_impact_are_drawn_where_they_belong() -> None:
    picture = Picture.of(np.zeros((48, 64, 3), np.uint8), 4, samples.truth())

    drawn = impact_picture(picture, (640, 480))

    assert _has(drawn, AT_FAULT, (158, 198, 324, 324))
    assert _has(drawn, NOT_AT_FAULT, (318, 198, 484, 324))
    assert _has(drawn, IMPACT, (300, 220, 340, 260))
    assert not _has(drawn, AT_FAULT, (500, 330, 640, 480))


def test_a_small_impact_gets_a_close_up_and_a_large_one_none() -> None:
    frame = np.full((704, 1280, 3), 90, np.uint8)
    picture = Picture(Image.fromarray(frame), [], (300.0, 300.0), (280.0, 280.0, 340.0, 320.0))

    small = impact_picture(picture, (640, 352))
    picture.focus = (100.0, 100.0, 900.0, 600.0)
    large = impact_picture(picture, (640, 352))

    assert _has(small, (255, 255, 255), (320, 176, 640, 352))  # its frame, in the corner farthest from the impact
    assert not _has(large, (255, 255, 255), (0, 0, 640, 352))


def test_names_of_boxes_in_a_heap_do_not_lie_over_each_other() -> None:
    truth = samples.truth()
    tracks = [truth.tracks[0].model_copy(update={"track_id": number}) for number in range(30)]
    picture = Picture.of(np.zeros((48, 64, 3), np.uint8), 4, truth.model_copy(update={"tracks": tracks}))

    assert impact_picture(picture, (320, 240)).size == (320, 240)


def test_a_clip_without_truth_and_without_accident(clips: list[FinishedClip]) -> None:
    entries = [
        Entry(clips[0].files.video, None, "Intersection collision", "no truth"),
        Entry(clips[3].files.video, clips[3].annotations(), "Normal traffic", "x" * 500),
    ]

    assert draw(entries, "sample", "2 clips", samples.GEOMETRY).width == 2400
