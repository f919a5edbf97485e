"""Commands that make a dataset: from a new folder to a running build."""
