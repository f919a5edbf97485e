"""Shards over a Ray cluster, through prefect-ray: each asks for its GPUs, Ray places it and sets the devices.

All machines see the work folder, the frames and the checkpoints under the same paths (a shared disk), have this project
installed and reach the Prefect server. What a lost machine had not finished, Ray starts elsewhere; clips that it had
made are there already.
"""
