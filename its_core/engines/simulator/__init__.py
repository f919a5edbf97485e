"""Physics and software rendering on any CPU, with exact ground truth."""
