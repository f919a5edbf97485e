"""Staging of incidents: each file sets one up so that it happens, and judges afterwards whether it did."""
