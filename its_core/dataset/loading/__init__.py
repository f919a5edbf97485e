"""Published clips as PyTorch datasets. Needs torch, pyarrow, av and numpy only; s3fs as well for ``s3://``."""
