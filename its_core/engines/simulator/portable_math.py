"""Elementary functions whose results are the same on every x86-64 processor, to the last bit.

NumPy, the C library and BLAS pick their code by the processor, and the last bits of exp, sin, pow or a matrix product
follow from that choice. What is here uses IEEE addition, multiplication, division, square root and rounding alone, in
an order that the source fixes; Numba compiles it without contraction into fused operations. Nothing else may feed a
pixel or a body's motion (``tests/engines/simulator/test_same_bytes.py`` holds that).

The ``*_scalar`` functions are for compiled code, those of the plain names for arrays and numbers. Errors stay
below 1e-14 relative to the result's scale.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from its_core.engines.simulator.compilation import elementwise, inline, kernel

_LOG2_E = 1.4426950408889634
_LN2_HIGH, _LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
_TWO_OVER_PI = 0.6366197723675814
_HALF_PI_HIGH, _HALF_PI_LOW = 1.5707963267341256, 6.077100506506192e-11
_PI, _HALF_PI, _SQRT_2 = 3.141592653589793, 1.5707963267948966, 1.4142135623730951
_EXP = tuple(1.0 / f for f in (1, 1, 2, 6, 24, 120, 720, 5040, 40320, 362880, 3628800, 39916800, 479001600))


@inline
def exp_scalar(x: float) -> float:
    if x < -708.0:
        return 0.0
    if x > 709.0:
        return np.inf
    n = np.floor(x * _LOG2_E + 0.5)
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    total = _EXP[12]
    total = total * r + _EXP[11]
    total = total * r + _EXP[10]
    total = total * r + _EXP[9]
    total = total * r + _EXP[8]
    total = total * r + _EXP[7]
    total = total * r + _EXP[6]
    total = total * r + _EXP[5]
    total = total * r + _EXP[4]
    total = total * r + _EXP[3]
    total = total * r + _EXP[2]
    total = total * r + _EXP[1]
    total = total * r + _EXP[0]
    return float(total * np.int64((np.int64(n) + 1023) << 52).view(np.float64))


@inline
def log_scalar(x: float) -> float:
    """Of positive, normal numbers; −inf for 0 and below."""
    if x < 2.3e-308:
        return -np.inf
    bits = np.float64(x).view(np.int64)
    exponent = float((bits >> 52) - 1023)
    mantissa = np.int64((bits & 0xFFFFFFFFFFFFF) | (1023 << 52)).view(np.float64)
    if mantissa > _SQRT_2:
        mantissa, exponent = 0.5 * mantissa, exponent + 1.0
    f = (mantissa - 1.0) / (mantissa + 1.0)
    square = f * f
    total = 1.0 / 21.0
    for odd in (19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0, 1.0):
        total = total * square + 1.0 / odd
    return exponent * _LN2_HIGH + (exponent * _LN2_LOW + 2.0 * f * total)


@inline
def power_scalar(x: float, exponent: float) -> float:
    """Of numbers from 0 up; 0 for those below."""
    if x <= 0.0:
        return 0.0
    return exp_scalar(exponent * log_scalar(x))


@kernel
def sin_cos(x: float) -> tuple[float, float]:
    """Sine and cosine of a number."""
    n = np.floor(x * _TWO_OVER_PI + 0.5)
    r = (x - n * _HALF_PI_HIGH) - n * _HALF_PI_LOW
    square = r * r
    sine = 1.0 / 355687428096000.0
    for term in (-1307674368000.0, 6227020800.0, -39916800.0, 362880.0, -5040.0, 120.0, -6.0, 1.0):
        sine = sine * square + 1.0 / term
    sine *= r
    cosine = 1.0 / 20922789888000.0
    for term in (-87178291200.0, 479001600.0, -3628800.0, 40320.0, -720.0, 24.0, -2.0, 1.0):
        cosine = cosine * square + 1.0 / term
    quarter = np.int64(n) & 3
    if quarter == 0:
        return sine, cosine
    if quarter == 1:
        return cosine, -sine
    if quarter == 2:
        return -sine, -cosine
    return -cosine, sine


@inline
def sin_scalar(x: float) -> float:
    return sin_cos(x)[0]


@inline
def cos_scalar(x: float) -> float:
    return sin_cos(x)[1]


@kernel
def _atan_small(x: float) -> float:
    """Of 0 to 1, halving the angle twice before the series."""
    x = x / (1.0 + np.sqrt(1.0 + x * x))
    x = x / (1.0 + np.sqrt(1.0 + x * x))
    square = x * x
    total = 1.0 / 21.0
    for odd in (-19.0, 17.0, -15.0, 13.0, -11.0, 9.0, -7.0, 5.0, -3.0, 1.0):
        total = total * square + 1.0 / odd
    return 4.0 * x * total


@kernel
def atan2_scalar(y: float, x: float) -> float:
    """The angle of (x, y), −π to π; 0 at the origin."""
    across, up = abs(x), abs(y)
    if across == 0.0 and up == 0.0:
        return 0.0
    angle = _atan_small(up / across) if up <= across else _HALF_PI - _atan_small(across / up)
    if x < 0.0:
        angle = _PI - angle
    return -angle if y < 0.0 else angle


@elementwise
def _exp(x: float) -> float:
    return exp_scalar(x)


@elementwise
def _log(x: float) -> float:
    return log_scalar(x)


@elementwise
def _sin(x: float) -> float:
    return sin_scalar(x)


@elementwise
def _cos(x: float) -> float:
    return cos_scalar(x)


@elementwise
def _power(x: float, exponent: float) -> float:
    return power_scalar(x, exponent)


@elementwise
def _atan2(y: float, x: float) -> float:
    return atan2_scalar(y, x)


def _as_given(result: Any, given: Any) -> Any:
    """In the precision of a float32 argument; everything is computed in float64."""
    single = isinstance(given, np.ndarray | np.generic) and given.dtype == np.float32
    return result.astype(np.float32) if single else result


def exp(x: Any) -> Any:
    return _as_given(_exp(x), x)


def log(x: Any) -> Any:
    return _as_given(_log(x), x)


def sin(x: Any) -> Any:
    return sin_cos(x)[0] if isinstance(x, float) else _as_given(_sin(x), x)


def cos(x: Any) -> Any:
    return sin_cos(x)[1] if isinstance(x, float) else _as_given(_cos(x), x)


def power(x: Any, exponent: float) -> Any:
    return _as_given(_power(x, float(exponent)), x)


def atan2(y: Any, x: Any) -> Any:
    if isinstance(y, float) and isinstance(x, float):
        return np.float64(atan2_scalar(y, x))
    return _as_given(_atan2(y, x), y)


def hypot(x: Any, y: Any) -> Any:
    return np.sqrt(x * x + y * y)


def tan(x: Any) -> Any:
    return sin(x) / cos(x)


def atan(x: Any) -> Any:
    return atan2(x, 1.0)


def asin(x: Any) -> Any:
    """Of −1 to 1."""
    return atan2(x, np.sqrt(np.maximum(1.0 - x * x, 0.0)))


def acos(x: Any) -> Any:
    """Of −1 to 1."""
    return atan2(np.sqrt(np.maximum(1.0 - x * x, 0.0)), x)


def dot(a: NDArray[Any], b: NDArray[Any]) -> Any:
    """Sums of products along the last axis, which is short: one product after another, never by BLAS."""
    total = a[..., 0] * b[..., 0]
    for axis in range(1, a.shape[-1]):
        total = total + a[..., axis] * b[..., axis]
    return total


def norm(vectors: NDArray[Any]) -> Any:
    """Lengths along the last axis."""
    return np.sqrt(dot(vectors, vectors))


@kernel
def _product(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    made = np.zeros((a.shape[0], b.shape[1]))
    for row in range(a.shape[0]):
        for column in range(b.shape[1]):
            for inner in range(a.shape[1]):
                made[row, column] += a[row, inner] * b[inner, column]
    return made


def product(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix product of two small matrices, or of a matrix and a vector."""
    if b.ndim == 1:
        made: NDArray[np.float64] = _product(a, b.reshape(-1, 1))[:, 0]
    else:
        made = _product(a, b)
    return made
