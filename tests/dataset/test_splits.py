"""Splits: nothing leaks between them, and what was assigned once stays."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from its_core.dataset.splits import assign
from its_core.taxonomy import Split

SHARES = {Split.TRAIN: 0.8, Split.VAL: 0.1, Split.TEST: 0.1}
_cameras = st.sampled_from([f"cam-{number}" for number in range(8)])
_pairs = st.none() | st.sampled_from([f"pair-{number}" for number in range(5)])
_rows = st.lists(st.tuples(_cameras, _pairs, st.none() | st.sampled_from(list(Split))), max_size=30)
_free_rows = st.lists(st.tuples(_cameras, st.none(), st.none()), max_size=30)
Row = tuple[str, str | None, Split | None]


def _assign(rows: list[Row]) -> list[Split | str]:
    return assign([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows], SHARES)


@given(_rows)
def test_no_camera_and_no_pair_is_in_two_splits(rows: list[Row]) -> None:
    seen: dict[tuple[str, str], set[Split | str]] = defaultdict(set)
    for (camera, pair, wanted), answer in zip(rows, _assign(rows), strict=True):
        seen["camera", camera].add(answer)
        if pair is not None:
            seen["pair", pair].add(answer)
        if isinstance(answer, Split):
            assert wanted in {None, answer}
    assert all(len(answers) == 1 for answers in seen.values())


@given(_free_rows, _free_rows)
def test_rows_added_at_the_end_move_no_camera(rows: list[Row], added: list[Row]) -> None:
    assert _assign(rows + added)[: len(rows)] == _assign(rows)


def test_every_split_has_a_camera_as_soon_as_there_are_enough() -> None:
    rows: list[Row] = [(f"cam-{number}", None, None) for number in range(3)]

    assert _assign(rows) == [Split.TRAIN, Split.VAL, Split.TEST]
    assert _assign(rows[:1]) == [Split.TRAIN]


def test_many_cameras_follow_the_shares() -> None:
    answers = _assign([(f"camera {number}", None, None) for number in range(5000)])

    assert abs(answers.count(Split.TRAIN) / 5000 - 0.8) < 0.02
    assert abs(answers.count(Split.VAL) / 5000 - 0.1) < 0.02


def test_a_split_without_a_share_is_only_given_to_rows_that_name_it() -> None:
    cameras = [f"cam-{number}" for number in range(200)]
    wanted = [None] * 199 + [Split.TEST]

    answers = assign(cameras, [None] * 200, wanted, {Split.TRAIN: 0.9, Split.VAL: 0.1})

    assert answers.index(Split.TEST) == 199


def test_a_camera_asked_into_two_splits_is_refused_by_name() -> None:
    rows: list[Row] = [("north", None, Split.TRAIN), ("south", None, None), ("north", None, Split.TEST)]

    first, second, third = _assign(rows)

    assert (
        first
        == third
        == ("rows of camera 'north' ask for train and for test; splits never share a camera or a pair, so name one")
    )
    assert second is Split.TRAIN


def test_a_conflict_across_a_pair_names_the_pair() -> None:
    rows: list[Row] = [("north", "p1", Split.TRAIN), ("south", "p1", None), ("south", None, Split.VAL)]

    assert (
        _assign(rows)
        == [
            "rows of cameras 'north', 'south', tied together by pair_id 'p1', ask for train and for val; "
            "splits never share a camera or a pair, so name one"
        ]
        * 3
    )


def test_nothing_to_assign() -> None:
    assert _assign([]) == []


def test_a_tie_made_by_hundreds_of_variants_holds() -> None:
    rows: list[Row] = [("north", "p1", None)] * 256 + [("south", "p1", None)] * 256

    assert len(set(_assign([("other", None, None), *rows])[1:])) == 1
