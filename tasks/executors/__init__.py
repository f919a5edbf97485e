"""Where shards run: this machine, or a Ray cluster."""
