"""One label row a clip: our vocabulary, those of other datasets, and the manifest's other columns."""
