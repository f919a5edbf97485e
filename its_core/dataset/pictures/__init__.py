"""Contact sheet and label overlays."""
