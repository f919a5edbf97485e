"""A clip shared among real processes (gloo) comes out as on one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from its_core.engines.cosmos.model import sampling
from its_core.engines.cosmos.model.inference.attention import installed_kernels
from its_core.engines.cosmos.model.inference.elementwise import PyTorch
from its_core.engines.cosmos.model.inference.network import PackedNetwork
from its_core.engines.cosmos.model.network import Video2WorldNetwork
from its_core.engines.cosmos.model.parallel import ALONE, GroupShare, SequenceShare, join_clip_group
from its_core.engines.cosmos.neighbourhoods import NEIGHBOURHOODS
from its_core.engines.cosmos.options import CosmosOptions

pytestmark = pytest.mark.system


def _join(rank: int, world: int, folder: str) -> None:
    torch.set_num_threads(1)
    dist.init_process_group(
        "gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=world, timeout=timedelta(seconds=60)
    )


def _render(rank: int, world: int, folder: str, cases: list[Any]) -> None:
    """A process's part: the network over the sequence, then the whole clip over guidance halves and sequence."""
    _join(rank, world, folder)
    group = join_clip_group(world)
    results = {}
    for case in cases:
        with torch.no_grad():
            network = Video2WorldNetwork(case.shape)
            network.load_state_dict(torch.load(f"{folder}/{case.name}.pt", weights_only=True))
            network.share = GroupShare(dist.group.WORLD)
            output = case.output(network)
            packed = PackedNetwork(network, installed_kernels(torch.device("cpu"))[0], PyTorch())
            packed.share = group.share
            denoise = sampling.guided(
                packed.for_texts,
                (case.tensors["text_B_N_D"], case.tensors["negative_text_B_N_D"]),
                case.settings["guidance"],
                case.tensors["conditioning_latent_B_C_T_H_W"],
                case.tensors["condition_mask_B_1_T_H_W"],
                group,
            )
            final = sampling.sample(denoise, case.tensors["initial_noise"], case.settings["num_sampling_steps"])
            again = Video2WorldNetwork(case.shape)
            again.load_state_dict(torch.load(f"{folder}/{case.name}.pt", weights_only=True))
            sparse = _sparse_output(case, again, GroupShare(dist.group.WORLD))
        results[case.name] = {"output": output, "final": final, "sparse": sparse, "first": group.is_first}
    torch.save(results, f"{folder}/rank{rank}.pt")
    dist.destroy_process_group()


def _sparse_output(case: Any, network: Video2WorldNetwork, share: SequenceShare) -> torch.Tensor:
    """The network's output where its blocks attend to windows."""
    kinds = [NEIGHBOURHOODS["tiny"][index % 2] for index in range(case.shape.blocks)]
    packed = PackedNetwork(network, installed_kernels(torch.device("cpu"))[0], PyTorch(), neighbourhoods=kinds)
    packed.share = share
    x, time, text, mask = (
        case.tensors[name] for name in ("x_B_C_T_H_W", "timesteps_B_T", "text_B_N_D", "condition_mask_B_1_T_H_W")
    )
    return packed.for_texts(x, time, [text], mask)[0]


@pytest.mark.parametrize("world", [2, 4])
def test_a_group_makes_what_one_process_makes(
    cases: list[Any], world: int, tmp_path: Path, relative_error: Any
) -> None:
    cases = [case for case in cases if case.shape.heads % world == 0 and case.latent_frames % world == 0]
    assert cases
    alone, sparse = {}, {}
    for case in cases:
        network = case.network()
        torch.save(network.state_dict(), tmp_path / f"{case.name}.pt")
        alone[case.name] = case.output(network)
        sparse[case.name] = _sparse_output(case, network, ALONE)
        assert relative_error(sparse[case.name], alone[case.name]) > 1e-3
    mp.spawn(_render, args=(world, str(tmp_path), cases), nprocs=world)
    for rank in range(world):
        results = torch.load(tmp_path / f"rank{rank}.pt", weights_only=True)
        for case in cases:
            part = results[case.name]
            assert part["first"] == (rank == 0)
            assert relative_error(part["output"], alone[case.name]) < 1e-4
            assert relative_error(part["sparse"], sparse[case.name]) < 1e-4
            assert relative_error(part["final"], case.tensors["final_latent"]) < 1e-4


def test_groups_are_refused_before_loading_where_sizes_do_not_divide() -> None:
    with pytest.raises(ValueError, match=r"7 GPUs cannot share one clip: 24 latent frames .* use 1, 2, 4, 8 or 16"):
        CosmosOptions(num_gpus=7).ranks_per_clip(ranks=7, clips=1)
    with pytest.raises(ValueError, match="6 GPUs cannot share one clip: 16 latent frames and 40 heads"):
        CosmosOptions(model_size="14B", fps=10, context_parallel_size=6)
    with pytest.raises(ValueError, match="--context_parallel_size 4 does not divide the 6 processes"):
        CosmosOptions(context_parallel_size=4).ranks_per_clip(ranks=6, clips=9)
    with pytest.raises(ValueError, match="--num_gpus 8, but torchrun started 2 processes"):
        CosmosOptions(num_gpus=8).ranks_per_clip(ranks=2, clips=1)


@pytest.mark.parametrize(
    ("options", "ranks", "clips", "expected"),
    [
        ({}, 8, 1, 8),
        ({"num_gpus": 8}, 8, 100, 1),
        ({"num_gpus": 8}, 8, 8, 1),
        ({"num_gpus": 8}, 8, 3, 2),
        ({"num_gpus": 8}, 8, 2, 4),
        ({"num_gpus": 8}, 8, 1, 8),
        ({"num_gpus": 7}, 7, 3, 1),
        ({"context_parallel_size": 2}, 8, 100, 2),
    ],
)
def test_clips_are_shared_out_unless_gpus_would_idle(
    options: dict[str, int], ranks: int, clips: int, expected: int
) -> None:
    assert CosmosOptions(**options).ranks_per_clip(ranks, clips) == expected
