"""What a version is worth: scores, baselines, the small detector, the audit for shortcuts.

Importable where only torch, pyarrow, av and numpy are installed.
"""
