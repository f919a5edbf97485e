"""A published version: its name, its checksums, and how it is committed atomically."""
