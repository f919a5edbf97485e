"""The accident factory's product: scenarios → shards → engines → checks → dataset."""

__version__ = "0.1.0"
