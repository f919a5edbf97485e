"""``Video2WorldNetwork`` as sampling runs it: the same function of the same inputs, in fewer and larger steps.

Weights that read the same small input are one matrix (the text's keys and values of all blocks, the modulations of all
blocks), and what lies between two products is one pass over the tokens. Letters as in
``model/network.py``; L counts the tokens of the whole batch, F its frames, M the modulations (three a block).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from its_core.engines.cosmos.model.inference.attention import AttentionKernel
from its_core.engines.cosmos.model.inference.elementwise import Activation, Elementwise, ScaledHeads, Update
from its_core.engines.cosmos.model.inference.linear import Linear
from its_core.engines.cosmos.model.inference.windows import Windows, WindowsByGrid
from its_core.engines.cosmos.model.network import PATCH, Block, FinalLayer, Rope, Time, Video2WorldNetwork, unpatch
from its_core.engines.cosmos.model.parallel import ALONE, SequenceShare
from its_core.engines.cosmos.neighbourhoods import Neighbourhood

PRODUCTS = ("qkv", "output", "cross_q", "cross_output", "mlp1", "mlp2")
ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class Fp8Plan:
    """What runs in FP8: names like ``blocks.3.mlp1`` and ``blocks.3.attention``."""

    names: frozenset[str] = frozenset()

    def __contains__(self, name: object) -> bool:
        return name in self.names


@dataclass(frozen=True, slots=True)
class Modulation:
    """Shift, scale and gate of every frame, F × D each."""

    shift: Tensor
    scale: Tensor
    gate: Tensor


@dataclass(frozen=True, slots=True)
class Layout:
    """What the tokens stand for: their positions, the number of clips, and which tokens each one attends to, block by
    block (None: all)."""

    rope: Rope
    batch: int
    windows: tuple[Windows | None, ...]


class PackedBlock:
    """A block's weights. ``norm_2d`` normalises its queries and keys, ``cross_norm_d`` the queries to the text."""

    def __init__(self, block: Block, index: int, plan: Fp8Plan) -> None:
        own, cross = block.self_attn, block.cross_attn
        weights = {
            "output": own.output_proj.weight,
            "cross_q": cross.q_proj.weight,
            "cross_output": cross.output_proj.weight,
            "mlp1": block.mlp.layer1.weight,
            "mlp2": block.mlp.layer2.weight,
        }
        name = f"blocks.{index}"
        self.index = index
        self.linear = {each: Linear(weight, f"{name}.{each}" in plan) for each, weight in weights.items()}
        # Not one matrix: attention is 5 % slower on queries, keys and values that lie between each other.
        projections = (own.q_proj, own.k_proj, own.v_proj)
        self.qkv = [Linear(layer.weight, f"{name}.qkv" in plan) for layer in projections]
        self.scaled_attention = f"{name}.{ATTENTION}" in plan
        self.norm_2d = torch.stack([own.q_norm.weight, own.k_norm.weight])
        self.cross_norm_d = cross.q_norm.weight
        # RMSNorm leaves a head's length at √d, its weights stretch it at most by their largest, rotations not at all.
        lengths = self.norm_2d.float().abs().amax(dim=1) * self.norm_2d.shape[1] ** 0.5
        self.limits = cast(tuple[float, float], tuple(lengths.tolist()))


class PackedNetwork:
    """Takes over a network's weights; the network must not be used afterwards.

    ``share`` is how this process shares the tokens of one clip with others; alone, it does nothing. With
    ``neighbourhoods``, one a block, self-attention is sparse.
    """

    def __init__(
        self,
        network: Video2WorldNetwork,
        attention: AttentionKernel,
        elementwise: Elementwise,
        plan: Fp8Plan | None = None,
        neighbourhoods: Sequence[Neighbourhood | None] = (),
    ) -> None:
        plan = plan or Fp8Plan()
        blocks = [cast(Block, block) for block in network.blocks]
        self._outer = network
        self._heads = network.shape.heads
        self._attention = attention
        self._steps = elementwise
        self._text_kv = torch.cat([w for b in blocks for w in (b.cross_attn.k_proj.weight, b.cross_attn.v_proj.weight)])
        self._text_norms = [b.cross_attn.k_norm.weight for b in blocks]
        self._modulation_down, self._modulation_up = _stacked_modulations(blocks)
        self._blocks: list[PackedBlock] = []
        for index, block in enumerate(blocks):
            self._blocks.append(PackedBlock(block, index, plan))
            network.blocks[index] = nn.Identity()  # its unpacked weights are not needed any more
            blocks[index] = cast(Block, None)
        device = network.t_embedding_norm.weight.device
        self._windows = WindowsByGrid(neighbourhoods or [None] * len(blocks), device)

    @property
    def share(self) -> SequenceShare:
        return self._outer.share

    @share.setter
    def share(self, share: SequenceShare) -> None:
        self._outer.share = share

    def for_texts(
        self, x_BCTHW: Tensor, time_BT: Tensor, texts_BND: Sequence[Tensor], given_B1THW: Tensor
    ) -> list[Tensor]:
        """One output a text, each like ``x_BCTHW``; what the text has no part in is computed once for all."""
        tokens_BTSD, time, rope = self._outer.embed(x_BCTHW, time_BT, given_B1THW)
        batch, frames = tokens_BTSD.shape[:2]
        _, _, all_frames, rows, columns = x_BCTHW.shape
        layout = Layout(rope, batch, tuple(self._windows.on((all_frames, rows // PATCH, columns // PATCH))))
        modulations = self._modulations(time)
        tokens_LD, attended = self._attend_to_itself(
            self._blocks[0], tokens_BTSD.flatten(0, 2), None, modulations[0], layout
        )
        outputs = []
        for text_BND in texts_BND:
            keys_values = self._keys_values(text_BND)
            x_LD, update = self._attend_to_text(0, tokens_LD, attended, modulations, keys_values)
            for index in range(1, len(self._blocks)):
                block = self._blocks[index]
                x_LD, out = self._attend_to_itself(block, x_LD, update, modulations[3 * index], layout)
                x_LD, update = self._attend_to_text(index, x_LD, out, modulations, keys_values)
            patches_LP = self._last(x_LD, update, time)
            patches_BTSP = patches_LP.view(batch, frames, -1, patches_LP.shape[1])
            outputs.append(unpatch(self.share.everyones(patches_BTSP, dim=1), x_BCTHW.shape[3]).to(x_BCTHW.dtype))
        return outputs

    def _attend_to_itself(
        self, block: PackedBlock, x_LD: Tensor, update: Update | None, modulation: Modulation, layout: Layout
    ) -> tuple[Tensor, Tensor]:
        """The tokens after the update, and self-attention's output, projected."""
        output, quantise = block.linear["output"], block.qkv[0].quantised
        x_LD, normed = self._steps.add_normalise(x_LD, update, modulation.shift, modulation.scale, quantise)
        heads = [product(normed).view(len(x_LD), self._heads, -1) for product in block.qkv]
        return x_LD, output(self._activation(self._self_attention(block, heads, layout), output))

    def _self_attention(self, block: PackedBlock, q_k_v_Lhd: Sequence[Tensor], layout: Layout) -> Tensor:
        attention, share, (q, k, v) = self._attention, self.share, q_k_v_Lhd
        batch, windows = layout.batch, layout.windows[block.index]
        if block.scaled_attention and attention.attend_scaled is not None and share is ALONE:
            scaled = self._steps.quantise_heads(q, k, v, (block.norm_2d, layout.rope), block.limits)
            return self._attend_scaled(scaled, batch, windows).flatten(2).flatten(0, 1)
        for x, weight_d in zip((q, k), block.norm_2d, strict=True):
            self._steps.norm_rotate(x, weight_d, layout.rope)
        q, k, v = share.heads_for_tokens(*(x.view(batch, -1, *x.shape[1:]) for x in (q, k, v)))
        if block.scaled_attention and attention.attend_scaled is not None:
            rows = [x.flatten(0, 1) for x in (q, k, v)]
            scaled = self._steps.quantise_heads(rows[0], rows[1], rows[2], None, block.limits)
            out_BLhd = self._attend_scaled(scaled, batch, windows)
        elif windows is None:
            out_BLhd = attention.attend(q, k, v)
        else:
            out_BLhd = _batched([windows.attend(attention, *clip) for clip in zip(q, k, v, strict=True)])
        return share.tokens_for_heads(out_BLhd).flatten(2).flatten(0, 1)

    def _attend_scaled(self, heads: ScaledHeads, batch: int, windows: Windows | None) -> Tensor:
        """B L h d; the keys' mean and the scales are those of the whole batch."""
        attention = self._attention
        assert attention.attend_scaled is not None
        if windows is None:
            return attention.attend_scaled(heads, batch)
        parts = zip(heads.q.chunk(batch), heads.k.chunk(batch), heads.v.chunk(batch), strict=True)
        clips = [ScaledHeads(q, k, v, heads.scales) for q, k, v in parts]
        return _batched([windows.attend_scaled(attention, clip) for clip in clips])

    def _attend_to_text(
        self, index: int, x_LD: Tensor, attended_LD: Tensor, modulations: list[Modulation], keys_values: Tensor
    ) -> tuple[Tensor, Update]:
        """The tokens after cross-attention, and what the MLP adds to them."""
        block = self._blocks[index]
        own, cross, mlp = modulations[3 * index : 3 * index + 3]
        query, output = block.linear["cross_q"], block.linear["cross_output"]
        x_LD, normed = self._steps.add_normalise(
            x_LD, (attended_LD, own.gate), cross.shift, cross.scale, query.quantised
        )
        q_Lhd = query(normed).view(len(x_LD), self._heads, -1)
        self._steps.norm_rotate(q_Lhd, block.cross_norm_d, None)
        k_BNhd, v_BNhd = keys_values[:, :, index].unbind(2)
        q_BLhd = q_Lhd.view(len(k_BNhd), -1, *q_Lhd.shape[1:])
        out = self._attention.attend(q_BLhd, k_BNhd, v_BNhd).flatten(2).flatten(0, 1)
        added = output(self._activation(out, output))
        first, second = block.linear["mlp1"], block.linear["mlp2"]
        x_LD, normed = self._steps.add_normalise(x_LD, (added, cross.gate), mlp.shift, mlp.scale, first.quantised)
        return x_LD, (second(self._steps.gelu(first(normed), second.quantised)), mlp.gate)

    def _activation(self, x_LK: Tensor, linear: Linear) -> Activation:
        return self._steps.quantise_rows(x_LK) if linear.quantised else x_LK

    def _keys_values(self, text_BND: Tensor) -> Tensor:
        """The text's keys, normalised, and values for every block: B N blocks 2 h d."""
        product = F.linear(text_BND.to(self._text_kv.dtype), self._text_kv)
        keys_values = product.view(*product.shape[:2], len(self._blocks), 2, self._heads, -1)
        for index, norm_d in enumerate(self._text_norms):
            self._steps.norm_rotate(keys_values[:, :, index, 0].flatten(0, 1), norm_d, None)
        return keys_values

    def _modulations(self, time: Time) -> list[Modulation]:
        """Those of all blocks in the order of their use: self-attention, cross-attention, MLP."""
        embedded_FD, shared_FD = (part.flatten(0, 1) for part in time)
        down_MFR = torch.matmul(F.silu(embedded_FD), self._modulation_down.transpose(1, 2))
        parts_MFD = torch.baddbmm(shared_FD, down_MFR, self._modulation_up.transpose(1, 2))
        return [Modulation(*parts.chunk(3, dim=1)) for parts in parts_MFD]

    def _last(self, x_LD: Tensor, update: Update, time: Time) -> Tensor:
        final: FinalLayer = self._outer.final_layer
        embedded_FD, shared_FD = (part.flatten(0, 1) for part in time)
        parts_FD: Tensor = final.adaln_modulation(embedded_FD)
        shift, scale = (parts_FD + shared_FD[:, : parts_FD.shape[1]]).chunk(2, dim=1)
        _, normed = self._steps.add_normalise(x_LD, update, shift, scale, False)
        patches: Tensor = final.linear(normed)
        return patches


def _batched(clips_Lhd: Sequence[Tensor]) -> Tensor:
    """B L h d, without a copy where it is one clip."""
    return clips_Lhd[0][None] if len(clips_Lhd) == 1 else torch.stack(list(clips_Lhd))


def _stacked_modulations(blocks: Sequence[Block]) -> tuple[Tensor, Tensor]:
    """The low-rank maps of all blocks: M × rank × D and M × 3D × rank."""
    maps = [
        each
        for b in blocks
        for each in (b.adaln_modulation_self_attn, b.adaln_modulation_cross_attn, b.adaln_modulation_mlp)
    ]
    down, up = (torch.stack([cast(nn.Linear, each[layer]).weight for each in maps]) for layer in (1, 2))
    return down, up
