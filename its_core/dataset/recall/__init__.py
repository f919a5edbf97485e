"""Withdraws published clips: tombstones in the versions that hold them, and a new version without them."""
