"""Posts that a vehicle crushes itself against, and that give a little: it goes on as far as the crush is deep."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.physics.contacts import Episode
from its_core.engines.simulator.physics.surroundings import POSTS
from its_core.engines.simulator.physics.vehicle import Vehicle
from its_core.engines.simulator.physics.world import Body, Touch, World

# From this speed on a vehicle crushes itself, so deep for its speed, and keeps so much of it until then.
POST_MPS, GIVES_M_PER_MPS, GIVES_M, PUSHES_ON = 3.0, 0.05, 0.62, 0.7


def gives_way(
    world: World, body: Body, tick: int, touch: Touch, episode: Episode, before_mps: NDArray[np.float64]
) -> bool:
    """Whether this is, or was, a post that a vehicle crushes itself against: at the first touch it moves as far as the
    crush is deep. ``before_mps``: the velocity of ``body``, the touch's first, before it."""
    if episode.yields or touch.thing not in POSTS or not isinstance(body, Vehicle) or body.trailer is not None:
        return episode.yields
    vx, vy = (float(value) for value in before_mps[:2])
    speed = math.sqrt(vx * vx + vy * vy)
    head_on = -(vx * float(touch.normal[0]) + vy * float(touch.normal[1]))
    if episode.start_tick != tick or head_on < max(POST_MPS, 0.7 * speed):
        return False
    episode.give_way(body.chassis.mass_kg * head_on, 1.0 - PUSHES_ON)
    reach_m = min(GIVES_M_PER_MPS * head_on, GIVES_M)
    world.shove_post(touch.point_m, (reach_m * vx / speed, reach_m * vy / speed))
    body.push_on((PUSHES_ON * vx, PUSHES_ON * vy), PUSHES_ON)
    return True
