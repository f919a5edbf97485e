"""The Video2World diffusion transformer (DiT) of Cosmos-Predict2, with its checkpoints' own key names.

Letters in names and comments: B batch, C latent channels, T latent frames, H and W latent rows and columns; after 1×2×2
patching L tokens (``T · H/2 · W/2``, in that order), D width, h heads, d head width, N text tokens, R latent channels
with the two masks.

Source: NVIDIA's published implementation (cosmos-predict2) and arXiv:2503.14492 (AdaLN-LoRA, 3D RoPE).
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Sequence
from typing import cast

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from its_core.engines.cosmos.model.parallel import ALONE, SequenceShare
from its_core.engines.cosmos.shapes import NetworkShape

LATENT_CHANNELS = 16
PATCH = 2  # rows and columns a token covers; one latent frame in time
GRID_MAX = 128  # longest side of the grid that positions are defined for (frames; rows and columns stop at 120)
EPS = 1e-6

Rope = tuple[Tensor, Tensor]  # cosine and sine of the tokens' angles, L × d/2
Time = tuple[
    Tensor, Tensor
]  # a frame's normalised embedding (B T D), and its shift, scale and gate for all blocks (3D)


class RotaryPositions(nn.Module):
    """3D rotary positions: the head's width is split into a t, an h and a w part, each rotated by its own frequencies.

    The three buffers stand in every checkpoint, so they stand here; the angles are computed from the numbers
    themselves, because a network cast to bfloat16 would carry bent buffers.
    """

    def __init__(self, head_width: int, ratio: tuple[float, float, float]) -> None:
        super().__init__()
        spatial = head_width // 6 * 2
        self.part_widths = (head_width - 2 * spatial, spatial, spatial)  # t, h, w
        self.ratio = ratio
        self.register_buffer("seq", torch.arange(GRID_MAX, dtype=torch.float32))
        self.register_buffer("dim_spatial_range", torch.arange(0, spatial, 2, dtype=torch.float32) / spatial)
        temporal = self.part_widths[0]
        self.register_buffer("dim_temporal_range", torch.arange(0, temporal, 2, dtype=torch.float32) / temporal)

    def forward(self, grid: tuple[int, int, int], device: torch.device) -> Rope:
        """Cosine and sine of every token's angles for a (T, H, W) grid of patches: two float32 tensors, L × d/2."""
        if max(grid) > GRID_MAX:
            raise ValueError(f"a grid of {grid} patches is larger than the {GRID_MAX} that the network has places for")
        angles = []
        for axis, (length, width, ratio) in enumerate(zip(grid, self.part_widths, self.ratio, strict=True)):
            theta = 10000.0 * ratio ** (width / (width - 2))  # NTK-aware stretch
            exponents = torch.arange(0, width, 2, dtype=torch.float32, device=device) / width
            places = torch.arange(length, dtype=torch.float32, device=device)
            part = torch.outer(places, 1.0 / theta**exponents)
            part = part.view([length if a == axis else 1 for a in range(3)] + [-1]).expand(*grid, -1)
            angles.append(part)
        angles_L_d = rearrange(torch.cat(angles, dim=-1), "t h w d -> (t h w) d")
        return angles_L_d.cos(), angles_L_d.sin()


def rotate(x_BLhd: Tensor, cos_Ld: Tensor, sin_Ld: Tensor) -> Tensor:
    """Rotates the two halves of each head against each other, in float32."""
    first, second = x_BLhd.float().chunk(2, dim=-1)
    cos, sin = cos_Ld[:, None], sin_Ld[:, None]
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1).to(x_BLhd.dtype)


class Attention(nn.Module):
    """Multi-head attention over ``context`` (itself where it has none), queries and keys RMS-normalised."""

    def __init__(self, width: int, context_width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q_proj = nn.Linear(width, width, bias=False)
        self.q_norm = nn.RMSNorm(width // heads, eps=EPS)
        self.k_proj = nn.Linear(context_width, width, bias=False)
        self.k_norm = nn.RMSNorm(width // heads, eps=EPS)
        self.v_proj = nn.Linear(context_width, width, bias=False)
        self.output_proj = nn.Linear(width, width, bias=False)

    def forward(
        self,
        x_BLD: Tensor,
        context_BND: Tensor | None = None,
        rope: Rope | None = None,
        share: SequenceShare = ALONE,
    ) -> Tensor:
        q, k, v = self.project(x_BLD, context_BND, rope)
        if rope is not None:
            q, k, v = share.heads_for_tokens(q, k, v)
        out = F.scaled_dot_product_attention(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)).transpose(1, 2)
        if rope is not None:
            out = share.tokens_for_heads(out)
        return self.project_output(out)

    def project(
        self, x_BLD: Tensor, context_BND: Tensor | None = None, rope: Rope | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B L h d), keys and values (B N h d), normalised, and rotated where there are positions."""
        context = x_BLD if context_BND is None else context_BND
        q = self.q_norm(rearrange(self.q_proj(x_BLD), "b l (h d) -> b l h d", h=self.heads))
        k = self.k_norm(rearrange(self.k_proj(context), "b n (h d) -> b n h d", h=self.heads))
        v = rearrange(self.v_proj(context), "b n (h d) -> b n h d", h=self.heads)
        if rope is not None:
            q, k = rotate(q, *rope), rotate(k, *rope)
        return q, k, v

    def project_output(self, out_BLhd: Tensor) -> Tensor:
        projected: Tensor = self.output_proj(rearrange(out_BLhd, "b l h d -> b l (h d)"))
        return projected


class Mlp(nn.Module):
    def __init__(self, width: int, ratio: int = 4) -> None:
        super().__init__()
        self.layer1 = nn.Linear(width, ratio * width, bias=False)
        self.layer2 = nn.Linear(ratio * width, width, bias=False)

    def forward(self, x_BLD: Tensor) -> Tensor:
        out: Tensor = self.layer2(F.gelu(self.layer1(x_BLD)))
        return out


def _modulation(width: int, rank: int, parts: int) -> nn.Sequential:
    """AdaLN-LoRA: a low-rank map from the timestep embedding to shift, scale (and gate)."""
    return nn.Sequential(nn.SiLU(), nn.Linear(width, rank, bias=False), nn.Linear(rank, parts * width, bias=False))


def _parts(modulation: nn.Module, time: Time) -> tuple[Tensor, ...]:
    """Shift, scale (and gate) of each frame, B T 1 D: the low-rank map's and the embedding's own added up."""
    embedded_BTD, shared_BTD = time
    parts_BTD: Tensor = modulation(embedded_BTD)
    parts_BTD = parts_BTD + shared_BTD[..., : parts_BTD.shape[-1]]
    return parts_BTD.unsqueeze(2).chunk(parts_BTD.shape[-1] // embedded_BTD.shape[-1], dim=-1)


def _modulate(x_BTSD: Tensor, shift_BT1D: Tensor, scale_BT1D: Tensor) -> Tensor:
    return F.layer_norm(x_BTSD, x_BTSD.shape[-1:], eps=EPS) * (1 + scale_BT1D) + shift_BT1D


class Block(nn.Module):
    """Self-attention, cross-attention to the text and an MLP, each shifted, scaled and gated frame by frame."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        width, rank = shape.width, shape.adaln_rank
        self.self_attn = Attention(width, width, shape.heads)
        self.cross_attn = Attention(width, shape.text_width, shape.heads)
        self.mlp = Mlp(width)
        self.adaln_modulation_self_attn = _modulation(width, rank, 3)
        self.adaln_modulation_cross_attn = _modulation(width, rank, 3)
        self.adaln_modulation_mlp = _modulation(width, rank, 3)

    def forward(self, x_BTSD: Tensor, time: Time, text_BND: Tensor, rope: Rope, share: SequenceShare) -> Tensor:
        return self.attend_to_text(self.attend_to_itself(x_BTSD, time, rope, share), time, text_BND)

    def attend_to_itself(self, x_BTSD: Tensor, time: Time, rope: Rope, share: SequenceShare) -> Tensor:
        shift, scale, gate = _parts(self.adaln_modulation_self_attn, time)
        tokens_BLD = _modulate(x_BTSD, shift, scale).flatten(1, 2)
        out: Tensor = self.self_attn(tokens_BLD, rope=rope, share=share)
        return x_BTSD + gate * out.view_as(x_BTSD)

    def before_attention(self, x_BTSD: Tensor, time: Time, rope: Rope) -> tuple[Tensor, Tensor, Tensor]:
        """The queries, keys and values of ``attend_to_itself``, for training, which keeps what is between them and
        ``after_attention`` apart."""
        shift, scale, _ = _parts(self.adaln_modulation_self_attn, time)
        return self.self_attn.project(_modulate(x_BTSD, shift, scale).flatten(1, 2), rope=rope)

    def after_attention(self, x_BTSD: Tensor, out_BLhd: Tensor, time: Time, text_BND: Tensor) -> Tensor:
        """The block's output from its input and self-attention's ``out``. Each token's is its own affair."""
        *_, gate = _parts(self.adaln_modulation_self_attn, time)
        x_BTSD = x_BTSD + gate * self.self_attn.project_output(out_BLhd).view_as(x_BTSD)
        return self.attend_to_text(x_BTSD, time, text_BND)

    def attend_to_text(self, x_BTSD: Tensor, time: Time, text_BND: Tensor) -> Tensor:
        """Cross-attention and what follows it: all of the block that the text has a part in."""
        shift, scale, gate = _parts(self.adaln_modulation_cross_attn, time)
        tokens_BLD = _modulate(x_BTSD, shift, scale).flatten(1, 2)
        out: Tensor = self.cross_attn(tokens_BLD, text_BND)
        x_BTSD = x_BTSD + gate * out.view_as(x_BTSD)
        shift, scale, gate = _parts(self.adaln_modulation_mlp, time)
        mixed: Tensor = self.mlp(_modulate(x_BTSD, shift, scale))
        return x_BTSD + gate * mixed


class TimestepWaves(nn.Module):
    """Cosines and sines of the timestep at ``width``/2 frequencies."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, time_BT: Tensor) -> Tensor:
        half = self.width // 2
        frequencies = torch.exp(-math.log(10000.0) / half * torch.arange(half, device=time_BT.device))
        angles = time_BT.float()[..., None] * frequencies
        return torch.cat([angles.cos(), angles.sin()], dim=-1)


class TimestepEmbedding(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(width, width, bias=False)
        self.linear_2 = nn.Linear(width, 3 * width, bias=False)

    def forward(self, waves_BTD: Tensor) -> Tensor:
        out: Tensor = self.linear_2(F.silu(self.linear_1(waves_BTD)))
        return out


class PatchEmbed(nn.Module):
    """Each 1×2×2 patch of latent and masks becomes a token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.proj = nn.Sequential(nn.Identity(), nn.Linear((LATENT_CHANNELS + 2) * PATCH**2, width, bias=False))

    def forward(self, x_BRTHW: Tensor) -> Tensor:
        patches = rearrange(x_BRTHW, "b r t (h m) (w n) -> b t (h w) (r m n)", m=PATCH, n=PATCH)
        tokens: Tensor = self.proj(patches)
        return tokens


class FinalLayer(nn.Module):
    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.linear = nn.Linear(shape.width, PATCH**2 * LATENT_CHANNELS, bias=False)
        self.adaln_modulation = _modulation(shape.width, shape.adaln_rank, 2)

    def forward(self, x_BTSD: Tensor, time: Time) -> Tensor:
        shift, scale = _parts(self.adaln_modulation, time)
        out: Tensor = self.linear(_modulate(x_BTSD, shift, scale))
        return out


class Video2WorldNetwork(nn.Module):
    """Predicts the flow of a noisy latent video from text, time and a mask of the frames that are given.

    ``share`` is how this process shares the tokens of one clip with others; alone, it does nothing.
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape
        self.share: SequenceShare = ALONE
        self.x_embedder = PatchEmbed(shape.width)
        self.pos_embedder = RotaryPositions(shape.width // shape.heads, shape.rope_ratio)
        self.t_embedder = nn.Sequential(TimestepWaves(shape.width), TimestepEmbedding(shape.width))
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.blocks))
        self.final_layer = FinalLayer(shape)
        self.t_embedding_norm = nn.RMSNorm(shape.width, eps=EPS)

    def forward(self, x_BCTHW: Tensor, time_BT: Tensor, text_BND: Tensor, given_B1THW: Tensor) -> Tensor:
        """The network's output, shaped like ``x_BCTHW`` and in its dtype.

        ``time_BT`` is the flow time of each latent frame, 0 to 1; ``given_B1THW`` is 1 where a frame conditions the
        clip. Rows and columns must be even; the text's padding must be zero.
        """
        return self.for_texts(x_BCTHW, time_BT, (text_BND,), given_B1THW)[0]

    def for_texts(
        self, x_BCTHW: Tensor, time_BT: Tensor, texts_BND: Sequence[Tensor], given_B1THW: Tensor
    ) -> list[Tensor]:
        """One output a text. The first block's self-attention has not seen the text yet, so it is done once for all."""
        tokens_BTSD, time, rope = self.embed(x_BCTHW, time_BT, given_B1THW)
        share, dtype = self.share, tokens_BTSD.dtype
        outputs = []
        first = cast(Block, self.blocks[0])
        textless_BTSD = first.attend_to_itself(tokens_BTSD, time, rope, share)
        for text_BND in texts_BND:
            x_BTSD = first.attend_to_text(textless_BTSD, time, text_BND.to(dtype))
            for block in self.blocks[1:]:
                x_BTSD = block(x_BTSD, time, text_BND.to(dtype), rope, share)
            patches = share.everyones(self.final_layer(x_BTSD, time), dim=1)
            outputs.append(unpatch(patches, x_BCTHW.shape[3]).to(x_BCTHW.dtype))
        return outputs

    def embed(self, x_BCTHW: Tensor, time_BT: Tensor, given_B1THW: Tensor) -> tuple[Tensor, Time, Rope]:
        """The tokens, their times and their positions, of this process's share of the frames."""
        dtype = self.t_embedding_norm.weight.dtype
        _, _, frames, rows, columns = x_BCTHW.shape
        padding_B1THW = torch.zeros_like(given_B1THW)
        tokens_BTSD = self.x_embedder(torch.cat([x_BCTHW, given_B1THW, padding_B1THW], dim=1).to(dtype))
        waves_BTD = self.t_embedder[0](time_BT).to(dtype)
        cos_Ld, sin_Ld = self.pos_embedder((frames, rows // PATCH, columns // PATCH), x_BCTHW.device)

        share = self.share
        time = (share.mine(self.t_embedding_norm(waves_BTD), dim=1), share.mine(self.t_embedder[1](waves_BTD), dim=1))
        return share.mine(tokens_BTSD, dim=1), time, (share.mine(cos_Ld, dim=0), share.mine(sin_Ld, dim=0))

    def compile_blocks(self) -> bool:
        """Compiles each block on a GPU, where a C compiler is at hand for it; says whether it did.

        Block by block, a change of attention backend around the call is respected and compiling takes seconds.
        """
        compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc") or shutil.which("clang")
        if self.t_embedding_norm.weight.device.type != "cuda" or compiler is None:
            return False
        first = cast(Block, self.blocks[0])
        first.attend_to_itself = torch.compile(first.attend_to_itself, dynamic=False)  # type: ignore[method-assign]
        first.attend_to_text = torch.compile(first.attend_to_text, dynamic=False)  # type: ignore[method-assign]
        for block in self.blocks[1:]:
            block.compile(dynamic=False)
        return True


def unpatch(patches_BTSP: Tensor, rows: int) -> Tensor:
    """Tokens of 2×2 pixels each (row, column, channel) back to a latent of ``rows`` rows."""
    return rearrange(patches_BTSP, "b t (h w) (m n c) -> b c t (h m) (w n)", h=rows // PATCH, m=PATCH, n=PATCH)


def network_on_meta(shape: NetworkShape) -> Video2WorldNetwork:
    """The network's modules without any memory behind them, to load weights into."""
    with torch.device("meta"):
        return Video2WorldNetwork(shape)
