"""From Panda3D's vectors to arrays. NumPy takes six times as long when it reads a vector as a sequence by itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from panda3d.core import LVecBase3f, LVecBase4f


def three(vector: LVecBase3f) -> NDArray[np.float64]:
    """x, y, z."""
    return np.array((vector.x, vector.y, vector.z))


def four(quaternion: LVecBase4f) -> NDArray[np.float64]:
    """w, x, y, z of a quaternion."""
    return np.array(tuple(quaternion))
