"""The program of a shard, from the inside: ``torchrun --nproc_per_node=N -m its_core.shards.worker …``."""
