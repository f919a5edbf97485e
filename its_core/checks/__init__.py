"""Measures of every decoded clip, and the expectations they must meet."""
