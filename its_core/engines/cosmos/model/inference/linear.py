"""A product with fixed weights, in the network's own precision or in FP8 with a scale a row."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F
from torch.nn.functional import ScalingType

from its_core.engines.cosmos.model.inference.elementwise import Activation, PyTorch, Scaled


class Linear:
    """``x @ weight.T``. ``quantised`` says that x is wanted as rows in FP8."""

    def __init__(self, weight_ND: Tensor, quantised: bool = False) -> None:
        self.quantised = quantised
        self._dtype = weight_ND.dtype
        self._weight: Tensor = weight_ND
        self._scales_1N: Tensor | None = None
        if quantised:
            rows = PyTorch().quantise_rows(weight_ND)
            self._weight, self._scales_1N = rows.values_LK, rows.scales_L1.T.contiguous()

    def __call__(self, x: Activation) -> Tensor:
        if self._scales_1N is None:
            if isinstance(x, Scaled):
                raise TypeError("this product is not quantised, its input must not be")
            return F.linear(x, self._weight)
        if not isinstance(x, Scaled):
            raise TypeError("this product is quantised, its input must be")
        return F.scaled_mm(
            x.values_LK,
            self._weight.T,
            x.scales_L1,
            ScalingType.RowWise,
            self._scales_1N,
            ScalingType.RowWise,
            output_dtype=self._dtype,
            use_fast_accum=x.values_LK.is_cuda,
        )
