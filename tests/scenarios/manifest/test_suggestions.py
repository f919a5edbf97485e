import pytest

from its_core.scenarios.manifest.suggestions import advice, nearest
from its_core.taxonomy import CollisionType, Colour, RoadLayout


@pytest.mark.parametrize(
    ("word", "vocabulary", "close"),
    [
        ("gray", Colour, "grey"),
        ("RED", Colour, "red"),
        ("T Bone", CollisionType, "t-bone"),
        ("rear_end", CollisionType, "rear-end"),
        ("Four-Way Intersection", RoadLayout, "four_way_intersection"),
        ("t-junction", RoadLayout, "t_intersection"),
        ("turquoise", Colour, None),
        ("", Colour, None),
    ],
)
def test_the_nearest_word(word, vocabulary, close):
    assert nearest(word, [member.value for member in vocabulary]) == close


def test_advice_names_the_word_and_all_that_may_stand_there():
    said = advice("Urban street", RoadLayout)
    assert said == "'Urban street' is not a known word; did you mean 'urban_street'? Allowed: " + ", ".join(RoadLayout)


def test_a_monster_of_a_word_costs_nothing():
    assert len(advice("x" * 10**6, Colour)) < 300
