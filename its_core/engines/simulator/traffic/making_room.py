"""What drivers do for an emergency vehicle that comes: those before it pull over and slow down, those who meet it keep
to their side, those who would cross its way wait at their line; when it has passed they go on."""

from __future__ import annotations

from collections.abc import Sequence

from its_core.engines.simulator.traffic.drivers import Driver
from its_core.engines.simulator.traffic.habits import NORMAL
from its_core.engines.simulator.traffic.perception import Bodies

HEARS_AHEAD_M = 90.0
PASSED_M = 4.0
BESIDE_M = 6.0
MEETS_M, MEETS_BESIDE_M = 60.0, 8.5
CROSSES_M, CROSSES_MPS = 90.0, 3.0  # nobody waits for one that stands
ALIKE = 0.7  # the cosine between headings of one direction


def make_room(bodies: Bodies, drivers: Sequence[Driver], time_s: float) -> None:
    """``bodies`` come in the drivers' order."""
    beacons = [i for i, driver in enumerate(drivers) if driver.intent is not NORMAL and driver.intent.beacon]
    if not beacons:
        return
    for i, driver in enumerate(drivers):
        if not driver.intent.beacon:
            driver.make_room(time_s, any(_concerns(bodies, beacon, i) for beacon in beacons))
            driver.lets_by = any(_crosses(bodies, beacon, i) for beacon in beacons)


def _concerns(bodies: Bodies, beacon: int, i: int) -> bool:
    dx, dy = bodies.x[i] - bodies.x[beacon], bodies.y[i] - bodies.y[beacon]
    fx, fy = bodies.fx[beacon], bodies.fy[beacon]
    ahead, beside = dx * fx + dy * fy, abs(dx * fy - dy * fx)
    alike = fx * bodies.fx[i] + fy * bodies.fy[i]
    if alike > ALIKE:
        return bool(-PASSED_M < ahead < HEARS_AHEAD_M and beside < BESIDE_M)
    return bool(alike < -ALIKE and -PASSED_M < ahead < MEETS_M and beside < MEETS_BESIDE_M)


def _crosses(bodies: Bodies, beacon: int, i: int) -> bool:
    """Whether somebody drives across the way of an emergency vehicle that comes."""
    dx, dy = bodies.x[i] - bodies.x[beacon], bodies.y[i] - bodies.y[beacon]
    fx, fy = bodies.fx[beacon], bodies.fy[beacon]
    moving = bodies.vx[beacon] * fx + bodies.vy[beacon] * fy
    across = abs(fx * bodies.fx[i] + fy * bodies.fy[i]) <= ALIKE
    comes = dx * fx + dy * fy > -PASSED_M and dx * dx + dy * dy < CROSSES_M * CROSSES_M
    return bool(across and comes and moving > CROSSES_MPS)
