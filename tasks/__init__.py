"""One Prefect task a file, each a few lines that call ``its_core``."""
