"""Commands that say what a version is worth."""
