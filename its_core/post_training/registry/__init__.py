"""Trained models by name and version: what they were made of, and what was made with them."""
