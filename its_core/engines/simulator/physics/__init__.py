"""Rigid-body world (Bullet): vehicles, pedestrians, collision hulls, contacts."""
