"""The training loop: its processes, checkpoints, guards, validation, sample clips and what one watches."""
