"""How builds stand: a table for people, metrics for Prometheus."""
