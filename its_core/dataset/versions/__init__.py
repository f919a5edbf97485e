"""A published version: its name, its files and checksums, and how it gets its name whole or not at all."""
