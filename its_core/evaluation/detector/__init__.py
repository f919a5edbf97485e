"""A small detector that says whether, when, where and what: the yardstick by which versions are compared.

It trains in minutes on two processor cores, on cached frames of low resolution. It is no product of its own.
"""
