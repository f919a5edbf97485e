"""Engines that turn a clip request into a clip, behind the one seam in ``engine.py``."""
