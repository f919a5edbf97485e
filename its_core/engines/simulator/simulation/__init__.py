"""Runs a staged incident through the physics, step by step, and records what every body did."""
