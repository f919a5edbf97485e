import numpy as np

from its_core.engines.simulator.optics.camera import Camera
from its_core.engines.simulator.optics.raster import NOTHING
from its_core.engines.simulator.rendering.actor_layer import ActorLayer, Drawn, outlines
from its_core.engines.simulator.rendering.actors import Cast
from its_core.engines.simulator.rendering.standing import Standing

# Ten metres above nothing, looking north and level: x right, z up.
LEVEL = Camera("level", (0.0, 0.0, 10.0), np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]]), 100.0, 64, 40)
NUMBERED = tuple(np.array([(0, 1, 2), (0, 2, 3)], np.int32) + 4 * number for number in range(6))


def plates(*places: tuple[float, float]) -> Cast:
    """Bodies of two metres by two that face the camera, x and y of each."""
    vertices = np.array(
        [(x + a, y, 10.0 + b) for x, y in places for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))], np.float32
    )
    count = len(vertices)
    return Cast(vertices, vertices, np.zeros(count, np.uint8), NUMBERED, np.arange(0, count + 1, 4))


def drawn(layer: ActorLayer, cast: Cast) -> Drawn:
    placed = LEVEL.placed(cast.vertices)
    return layer.draw(cast, placed, outlines(LEVEL, cast, placed))


def test_no_frame_leaves_a_trace_in_the_next() -> None:
    """However many there are: each body is told from all that were drawn before."""
    standing = Standing(np.zeros((80, 128), np.float32), np.zeros((80, 128), np.uint8))
    standing.nearness[:, 40:60] = 0.2  # a wall before some of them
    layer = ActorLayer(LEVEL, standing)
    casts = [plates((-2.0, 12.0), (0.1 * step, 10.0)) for step in range(-20, 20)]
    alone = [drawn(ActorLayer(LEVEL, standing), cast).full for cast in casts]
    for turn in range(300):
        found = drawn(layer, casts[turn % 40])
        assert np.array_equal(found.full, alone[turn % 40])
    drawn(layer, plates((500.0, 10.0), (-500.0, 10.0)))
    assert (layer.seen.triangle == NOTHING).all()
    assert np.array_equal(layer.seen.nearness, standing.nearness)


def test_triangles_are_those_of_the_bodies_in_the_picture() -> None:
    standing = Standing(np.zeros((80, 128), np.float32), np.zeros((80, 128), np.uint8))
    layer = ActorLayer(LEVEL, standing)
    for cast, numbers in (
        (plates((0.0, 10.0), (0.0, 20.0)), [0, 1]),
        (plates((500.0, 10.0), (0.0, 20.0)), [1]),
        (plates((0.0, 10.0), (500.0, 20.0)), [0]),
    ):
        found = drawn(layer, cast)
        assert found.numbers == numbers
        assert found.owner.tolist() == [number for number in numbers for _ in range(2)]
        assert np.array_equal(found.triangles, cast.chosen(numbers))


def test_samples_outside_the_published_pixels_do_not_count() -> None:
    """Of bodies over one edge, over three and over none, before and behind each other, and of one beside the frame."""
    standing = Standing(np.zeros((80, 128), np.float32), np.zeros((80, 128), np.uint8))
    standing.nearness[:, 60:70] = 0.09  # a wall before some of them
    layer = ActorLayer(LEVEL, standing)
    found = drawn(layer, plates((-2.6, 10.0), (-1.2, 8.0), (2.0, 4.0), (0.3, 15.0), (4.5, 20.0), (500.0, 10.0)))
    shows = np.where(layer.seen.triangle == NOTHING, -1, found.owner.astype(int)[layer.seen.triangle])
    samples = np.array([np.count_nonzero(shows == number) for number in range(6)])
    assert (samples[:5] > 0).all()
    for top, low, left, right in ((5, 35, 6, 60), (0, 36, 4, 64), (4, 40, 0, 58), (0, 40, 0, 64), (18, 22, 25, 30)):
        inside = shows[2 * top : 2 * low, 2 * left : 2 * right]
        expected = [np.count_nonzero(inside == number) for number in range(6)]
        assert layer.samples_in((slice(top, low), slice(left, right)), found, samples).tolist() == expected
