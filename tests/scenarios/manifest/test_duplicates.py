from hypothesis import given, settings
from hypothesis import strategies as st

from its_core.scenarios.manifest.duplicates import FirstRows


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 40).map(str), max_size=12), max_size=12))
def test_every_later_key_names_the_first_row(batches):
    rows, first, found = FirstRows(), {}, 0
    for keys in batches:
        expected = {}
        for at, key in enumerate(keys):
            row = found + at
            if first.setdefault(key, row) != row:
                expected[at] = first[key]
        assert rows.seen(keys, range(found, found + len(keys))) == expected
        found += len(keys)


def test_runs_are_merged_so_that_lookups_stay_few():
    rows = FirstRows()
    for start in range(0, 6400, 100):
        assert rows.seen([f"k{i}" for i in range(start, start + 100)], range(start, start + 100)) == {}
    assert len(rows._runs) == 1
    assert rows.seen(["k6399", "new", "k0"], [6400, 6401, 6402]) == {0: 6399, 2: 0}
