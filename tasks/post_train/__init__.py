"""The steps of a post-training, a task each, and the machine that they run on."""
