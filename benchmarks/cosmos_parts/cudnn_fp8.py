"""cuDNN's attention in FP8 through NVIDIA's package ``nvidia-cudnn-frontend``: for comparison, the engine does not use
it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from its_core.engines.cosmos.model.inference.elementwise import FP8, FP8_MAX, ScaledHeads

SCORES_SCALE = 256.0  # what the softmax's numbers, at most 1, are multiplied with


def is_installed() -> bool:
    return find_spec("cudnn") is not None


def version() -> str:
    import cudnn

    return f"nvidia-cudnn-frontend {cudnn.__version__}, cuDNN {cudnn.backend_version()}"


def attention(heads: ScaledHeads, v_Lhd: Tensor, largest: float) -> tuple[Callable[[], Any], Callable[[], Tensor]]:
    """A call that attends once, and one that gives its result (L h d, float32).

    Queries and keys are those of ``heads``; values have one scale, and so has the result, whose numbers are at most
    ``largest``: both are FP8, as this operation takes and gives them.
    """
    import cudnn

    tokens, count, width = v_Lhd.shape
    peak = float(v_Lhd.abs().max())
    values = (v_Lhd.float() * (FP8_MAX / peak)).to(FP8)
    inputs = [x.view(1, tokens, count, width).transpose(1, 2) for x in (heads.q, heads.k, values)]
    out = torch.empty(1, tokens, count, width, device=v_Lhd.device, dtype=FP8).transpose(1, 2)
    scales = {
        "descale_q": float(heads.scales[0][0, 0]),
        "descale_k": float(heads.scales[1][0, 0]),
        "descale_v": peak / FP8_MAX,
        "descale_s": 1 / SCORES_SCALE,
        "scale_s": SCORES_SCALE,
        "scale_o": FP8_MAX / largest,
    }
    types, handle = cudnn.data_type, cudnn.create_handle()
    cudnn.set_stream(handle=handle, stream=torch.cuda.current_stream().cuda_stream)
    graph = cudnn.pygraph(
        io_data_type=types.FP8_E4M3,
        intermediate_data_type=types.FLOAT,
        compute_data_type=types.FLOAT,
        handle=handle,
    )
    single: dict[str, Any] = {"dim": [1, 1, 1, 1], "stride": [1, 1, 1, 1], "data_type": types.FLOAT}
    q, k, v = (
        graph.tensor(name=name, dim=list(x.shape), stride=list(x.stride()), data_type=types.FP8_E4M3)
        for name, x in zip("qkv", inputs, strict=True)
    )
    factors = {name: graph.tensor(name=name, **single) for name in scales}
    o, _, *peaks = graph.sdpa_fp8(
        q=q, k=k, v=v, **factors, is_inference=True, attn_scale=width**-0.5, use_causal_mask=False, name="attention"
    )
    o.set_output(True).set_dim(list(out.shape)).set_stride(list(out.stride())).set_data_type(types.FP8_E4M3)
    given: dict[Any, Tensor] = {q: inputs[0], k: inputs[1], v: inputs[2], o: out}
    for tensor in peaks:
        tensor.set_output(True).set_dim([1, 1, 1, 1]).set_stride([1, 1, 1, 1]).set_data_type(types.FLOAT)
        given[tensor] = torch.zeros(1, 1, 1, 1, device=v_Lhd.device)
    given |= {factors[name]: torch.full((1, 1, 1, 1), value, device=v_Lhd.device) for name, value in scales.items()}
    graph.validate()
    graph.build_operation_graph()
    graph.create_execution_plans([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
    graph.check_support()
    graph.build_plans()
    room = torch.empty(max(1, graph.get_workspace_size()), device=v_Lhd.device, dtype=torch.uint8)
    return (
        lambda: graph.execute(given, room, handle=handle),
        lambda: out.transpose(1, 2)[0].float() / scales["scale_o"],
    )
