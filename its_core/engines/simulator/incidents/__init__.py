"""What shall happen in a clip, and whether it did: casting, traffic, aftermath, verdicts, seed search."""
