"""Steam and smoke over a picture."""

import numpy as np

from its_core.engines.simulator.rendering.veils import veil_about_all

SHAPE = (60, 80)


def veiled(nearness: np.ndarray, puffs: list[tuple[float, ...]]) -> np.ndarray:
    veil, touched = np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.bool_)
    glow = np.zeros((*SHAPE, 3), np.float32)
    plain = [(*puff, 0.2, 0.0, -0.1) for puff in puffs]
    windows = veil_about_all(np.array(plain), nearness, veil, glow, touched)
    assert np.allclose(glow, veil[..., None] * np.array([0.2, 0.0, -0.1]), atol=1e-6)
    outside = veil.copy()
    for top, low, left, right in windows.tolist():
        outside[top:low, left:right] = 0.0
    assert not outside.any()
    assert np.array_equal(touched, veil > 0.0)
    return veil


def test_a_puff_thins_out_from_its_middle_and_has_no_edge() -> None:
    veil = veiled(np.zeros((120, 160), np.float32), [(40.5, 30.5, 20.0, 9.0, 0.5, 0.4)])
    row = veil[30, 40:]
    assert 0.35 < row[0] <= np.float32(0.4)
    assert np.all(np.diff(row) <= 0.0)
    assert np.abs(np.diff(row)).max() < 0.04
    assert row[23:].max() == 0.0


def test_many_puffs_never_hide_more_than_all() -> None:
    veil = veiled(np.zeros((120, 160), np.float32), [(40.5, 30.5, 20.0, 9.0, 0.5, 0.5)] * 12)
    assert 0.98 < veil.max() <= 1.0


def test_what_is_nearer_than_a_puff_hides_it_and_what_is_behind_does_not() -> None:
    nearness = np.zeros((120, 160), np.float32)
    nearness[:, :80], nearness[:, 80:] = 1.0 / 15.0, 1.0 / 30.0
    veil = veiled(nearness, [(40.0, 30.0, 20.0, 9.0, 0.5, 0.4)])
    assert veil[:, :40].max() == 0.0
    assert veil[30, 40] > 0.3
    nearness[:] = 1.0 / 20.0  # a body in its midst
    half = veiled(nearness, [(40.0, 30.0, 20.0, 9.0, 0.5, 0.4)])
    assert half[30, 40] < 0.6 * veil[30, 40]
