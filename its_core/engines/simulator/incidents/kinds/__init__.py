"""One file an incident type. Each stages it so that it happens, and judges afterwards whether it did."""
