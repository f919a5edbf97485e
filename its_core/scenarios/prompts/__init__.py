"""Prompts in the guide's four parts: composed from a row's words, and read back into them."""
