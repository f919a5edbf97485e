"""Which attention kernel is used, and that a wrong one is not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from its_core.engines.cosmos.model.inference import attention
from its_core.engines.cosmos.model.inference.attention import (
    AttentionKernel,
    Ranges,
    WrongAttention,
    choose_attention,
    installed_kernels,
    plain_attention,
    self_test,
    self_test_scaled,
)
from its_core.engines.cosmos.model.inference.elementwise import ScaledHeads

CPU = torch.device("cpu")
SHAPE = (CPU, torch.float32, 4, 16)


def kernel(name: str, off: float = 0.0) -> AttentionKernel:
    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return plain_attention(q, k, v) * (1 + off)

    return AttentionKernel(name, "1.0", attend)


def test_every_kernel_of_this_machine_is_right() -> None:
    kernels = [each for each in installed_kernels(CPU) if attention.runs(each, *SHAPE)]
    assert [each.name for each in kernels] == ["flash_attention", "math"]
    for each in kernels:
        self_test(each, *SHAPE)
    assert choose_attention(*SHAPE, tokens=64).record()["name"] == "flash_attention"


@pytest.mark.parametrize("off", [1e-3, float("nan")])
def test_an_installed_kernel_that_is_wrong_is_an_error(off: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "installed_kernels", lambda _: [kernel("right"), kernel("wrong", off)])
    with pytest.raises(WrongAttention, match=r"wrong \(1\.0\) is .* off plain attention") as caught:
        choose_attention(*SHAPE, tokens=64)
    assert caught.value.code == "attention.wrong"


def test_a_wrong_kernel_in_8_bits_is_an_error() -> None:
    def forgets_the_scales(heads: ScaledHeads, batch: int) -> Tensor:  # noqa: ARG001
        return plain_attention(heads.q[None], heads.k[None], heads.v[None])

    with pytest.raises(WrongAttention):
        self_test_scaled(AttentionKernel("x", "1", plain_attention, forgets_the_scales), CPU, 4, 16)


def test_a_kernel_that_takes_no_such_input_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: Tensor) -> Tensor:
        raise RuntimeError("head width 16 is not supported")

    kernels = [AttentionKernel("picky", "1", refuses), kernel("right")]
    monkeypatch.setattr(attention, "installed_kernels", lambda _: kernels)
    assert choose_attention(*SHAPE, tokens=64).kernel.name == "right"


@pytest.mark.parametrize(
    ("ms", "chosen"),
    [
        ({"a": 1.0, "b": 2.0, "c": 3.0}, "a"),
        ({"a": 1.0, "b": 0.99, "c": 3.0}, "a"),  # not clearly faster: the same on every start
        ({"a": 1.0, "b": 0.9, "c": 0.89}, "b"),
        ({"a": 1.0, "b": 0.9, "c": 0.5}, "c"),
    ],
)
def test_on_a_gpu_the_clearly_fastest_is_chosen(
    ms: dict[str, float], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernels = [kernel(name) for name in (*ms, "math")]
    monkeypatch.setattr(attention, "installed_kernels", lambda _: kernels)
    monkeypatch.setattr(attention, "runs", lambda *_: True)
    monkeypatch.setattr(attention, "self_test", lambda *_: None)
    monkeypatch.setattr(attention, "milliseconds", lambda kernel, *_: ms[kernel.name])
    choice = choose_attention(torch.device("cuda"), torch.bfloat16, 4, 16, tokens=64)
    assert choice.kernel.name == chosen
    assert choice.measured_ms == ms


def test_a_package_that_does_not_load_costs_speed_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "fa3_fwd_interface.py").write_text("raise ImportError('built for another torch')")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    names = [each.name for each in installed_kernels(torch.device("cuda"))]
    assert names == ["cudnn_attention", "flash_attention", "efficient_attention", "math"]
    assert "built for another torch" in caplog.text


def test_flash_attention_3_is_called_by_its_own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "fa3_fwd_interface.py").write_text(
        "def flash_attn_func(q, k, v, q_descale=None, k_descale=None, v_descale=None):\n"
        "    return (q.shape, None if q_descale is None else q_descale.shape), 'sums'\n"
        "def flash_attn_varlen_func(q, k, v, cu_seqlens_q, cu_seqlens_k, max_seqlen_q, max_seqlen_k,\n"
        "                           seqused_q=None, seqused_k=None, q_descale=None, k_descale=None, v_descale=None):\n"
        "    ranges = cu_seqlens_q.tolist(), cu_seqlens_k.tolist(), seqused_k.tolist(), max_seqlen_q, max_seqlen_k\n"
        "    return (ranges, None if q_descale is None else q_descale.shape), 'sums'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (9, 0))
    first = installed_kernels(torch.device("cuda"))[0]
    sys.modules.pop("fa3_fwd_interface")
    assert (first.name, first.version) == ("fa3-fwd", "unknown")
    x = torch.zeros(2, 8, 4, 16)
    assert first.attend(x, x, x) == ((2, 8, 4, 16), None)
    rows, scale = x.flatten(0, 1), torch.ones(1, 4)
    assert first.attend_scaled is not None
    heads = ScaledHeads(rows, rows, rows, (scale, scale, scale))
    assert first.attend_scaled(heads, 2) == ((2, 8, 4, 16), (2, 4))
    ranges = Ranges.of([(0, 10, 0, 9), (10, 16, 4, 16)], CPU)
    given = [0, 10, 16], [0, 4, 16], [9, 12], 10, 12
    assert first.attend_ranges(rows, rows, rows, ranges) == (given, None)
    assert first.attend_scaled_ranges(heads, ranges) == (given, (2, 4))
