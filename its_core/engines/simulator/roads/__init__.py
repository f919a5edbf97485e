"""Road layouts: lanes, paths, signals, kerbs. `registry` finds the layout of a request."""
