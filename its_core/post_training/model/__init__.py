"""What is computed in a training step: the objective, the LoRA, the network with little memory, the optimiser."""
