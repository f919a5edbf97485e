"""The status of builds: a table for people, metrics for Prometheus."""
