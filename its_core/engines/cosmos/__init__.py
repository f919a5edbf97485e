"""Cosmos-Predict2 Video2World with LoRA post-training, on GPUs."""
