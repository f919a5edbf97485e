"""What a shard asks of a Ray cluster, and whether any machine of the cluster has it."""

from __future__ import annotations

from collections.abc import Sequence

import ray

from its_core.engines.engine import engine_module
from its_core.shards.launcher import Launch

Resources = dict[str, int]  # Ray's own names, CPU and GPU, and how many


def resources_of(launch: Launch) -> Resources:
    """A processor for each process, and a GPU where the engine needs one, or uses one and the cluster has some."""
    needed = {"CPU": launch.processes}
    engine = launch.engine
    module = engine_module(engine.name)
    options = module.parse_options(engine.options, engine.resolution or "720", engine.fps or 16)
    if module.needs_gpu(options) or (module.TRAITS.uses_gpu and ray.cluster_resources().get("GPU", 0) > 0):
        needed["GPU"] = launch.processes
    return needed


def missing_resources(needed: Sequence[Resources]) -> str | None:
    """What no living machine has enough of for one of the shards, in words; None where each shard fits somewhere."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    for resources in needed:
        if not any(all(machine.get(name, 0) >= count for name, count in resources.items()) for machine in machines):
            return " and ".join(f"{count} {name}{'s' if count > 1 else ''}" for name, count in resources.items())
    return None
