"""From scenarios to clips to shards: which clips a manifest asks for, and which of them one torchrun makes."""

from its_core.shards.plan.planned import PLAN_FILE, Plan, PlannedClip, planned_clip_ids
from its_core.shards.plan.sharding import Shard, shards, shards_of_one_seed
from its_core.shards.plan.writer import SplitAssigner, make

__all__ = [
    "PLAN_FILE",
    "Plan",
    "PlannedClip",
    "Shard",
    "SplitAssigner",
    "make",
    "planned_clip_ids",
    "shards",
    "shards_of_one_seed",
]
