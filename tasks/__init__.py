"""Prefect tasks, a few lines each that call ``its_core``, and their helpers."""
