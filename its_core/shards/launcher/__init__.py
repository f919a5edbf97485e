"""Runs a shard under torchrun from outside and leaves no process and no clip without a receipt behind."""

from its_core.shards.launcher.command import command
from its_core.shards.launcher.launch import Launch, LaunchError, OnReceipt
from its_core.shards.launcher.processes import end_launch
from its_core.shards.launcher.run import run

__all__ = ["Launch", "LaunchError", "OnReceipt", "command", "end_launch", "run"]
