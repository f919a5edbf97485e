"""The network, its weights and its sampler: text encoder, VAE, transformer, LoRA, parallelism."""
