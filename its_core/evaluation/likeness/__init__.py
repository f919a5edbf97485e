"""How alike the same clips are in two versions: made with and without FP8, a step cache, another kernel."""
