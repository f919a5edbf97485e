"""What a version is worth: scores, baselines, small detectors, the audit for shortcuts, questions and answers.

Importable where only torch, pyarrow, av and numpy are installed.
"""
