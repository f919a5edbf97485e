"""From published clips to a LoRA checkpoint that the cosmos engine loads."""
