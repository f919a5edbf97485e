"""Street lamps that somebody has run into."""

from dataclasses import replace

import numpy as np
import pytest

from its_core.engines.simulator.rendering.posts import StruckPost, leaning, struck_posts, upright_post
from its_core.engines.simulator.rendering.renderer import Renderer
from its_core.engines.simulator.trace import Trace, TraceContact
from its_core.taxonomy import Colour, Light, ParticipantType, Weather
from tests.engines.simulator.rendering.test_renderer import beyond, scene, trace


def post_struck_at(blow_mps: float, frame: int = 1, thing: str = "pole") -> Trace:
    """A car beside the street lamp that its camera sees best, which it has hit."""
    here, camera = scene()
    seen = camera.project(np.array([(*foot, 2.0) for foot in here.street_lamps]))
    inside = (seen[:, 2] > 8.0) & (np.abs(seen[:, 0] / camera.width_px - 0.5) < 0.4)
    inside &= np.abs(seen[:, 1] / camera.height_px - 0.5) < 0.5
    number = np.flatnonzero(inside)[np.argmin(seen[inside, 2])]
    x, y = here.street_lamps[int(number)]
    away_x, away_y, heading = beyond(camera, *here.focus_m, -3.0)
    made = trace([(ParticipantType.SEDAN, Colour.WHITE, away_x, away_y, heading)], 4)
    normal = (0.0, -1.0, 0.0)
    contact = TraceContact(
        (frame - 0.5) / 16, frame, (0,), thing, (x, y - 0.1, 0.6), normal, 9e3, blow_mps, (blow_mps,)
    )
    return replace(made, contacts=(contact,))


def test_the_harder_the_blow_the_more_a_post_leans_and_a_tree_does_not() -> None:
    here, _ = scene()
    found = [struck_posts(post_struck_at(blow), here)[0] for blow in (3.0, 7.0)]
    assert 0.0 < found[0].lean_rad < found[1].lean_rad < 0.7
    assert found[0].way[1] > 0.9  # on along the blow
    assert struck_posts(post_struck_at(1.0), here) == []
    assert struck_posts(post_struck_at(9.0, thing="tree"), here) == []


@pytest.mark.parametrize("falls", [False, True])
def test_a_post_gives_way_about_its_foot_and_never_into_the_ground(falls: bool) -> None:
    post = StruckPost((3.0, 4.0), 1.0, 16, (0.0, 1.0), 1.5 if falls else 0.4, falls, (1.0, 0.0))
    mesh = upright_post(post)
    before, soon, later = (leaning(mesh, post, time_s).vertices for time_s in (0.9, 1.2, 4.0))
    assert np.array_equal(before, mesh.vertices + np.array([3.0, 4.0, 0.0], np.float32))
    top = int(np.argmax(mesh.vertices[:, 2]))
    assert before[top, 1] < min(soon[top, 1], later[top, 1])
    assert later[:, 2].min() >= 0.0
    assert bool(later[:, 2].max() < 2.1) is falls


@pytest.mark.slow
def test_a_struck_post_leaves_the_still_view_and_is_no_actor() -> None:
    here, camera = scene()
    struck, calm = post_struck_at(7.0, frame=2), post_struck_at(7.0, frame=2, thing="tree")
    (post,) = struck_posts(struck, here)
    pictures, plain = (
        list(Renderer().frames(here, made, camera, Light.DAY, Weather.OVERCAST, 5, layers=frozenset({"ids"})))
        for made in (struck, calm)
    )
    for frame in (0, 1):
        assert np.array_equal(pictures[frame].image, plain[frame].image)
    assert len(pictures[3].visible_box) == 1
    assert pictures[3].visible_box == plain[3].visible_box
    assert np.array_equal(pictures[3].layers.ids, plain[3].layers.ids)
    mesh = leaning(upright_post(post), post, 3 / 16)
    x = camera.project(mesh.vertices[mesh.vertices[:, 2] > 1.0])[:, 0]
    columns = slice(max(int(x.min()) - 3, 0), int(x.max()) + 4)
    difference = np.abs(pictures[3].image.astype(int) - plain[3].image)[:, columns].max()
    assert difference > 25


@pytest.mark.slow
def test_of_two_posts_each_leaves_the_still_view_at_its_own_blow() -> None:
    here, camera = scene()
    one = post_struck_at(7.0, frame=1)
    x, y, _ = one.contacts[0].point_m
    others = (foot for foot in here.street_lamps if np.hypot(foot[0] - x, foot[1] - y) > 1.0)
    foot = min(others, key=lambda at: np.hypot(at[0] - x, at[1] - y))
    second = replace(one.contacts[0], point_m=(foot[0], foot[1] - 0.1, 0.6), frame=3, time_s=2.5 / 16)
    both = replace(one, contacts=(one.contacts[0], second))
    assert [post.frame for post in struck_posts(both, here)] == [1, 3]
    pictures, plain = (
        [each.image for each in Renderer().frames(here, made, camera, Light.NIGHT, Weather.CLEAR, 5)]
        for made in (both, one)
    )
    assert all(np.array_equal(pictures[frame], plain[frame]) for frame in (0, 1, 2))
    assert not np.array_equal(pictures[3], plain[3])
