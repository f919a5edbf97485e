"""Cars: what physics collides with and what the camera sees."""

from __future__ import annotations

from its_core.engines.simulator.car_shapes import hull

__all__ = ["hull"]
