"""What gives crashes away that should not: classifiers that must not work, and how sizes, times and places lie."""
