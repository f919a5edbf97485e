"""Commands of LoRA post-training."""
