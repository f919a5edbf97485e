"""Meshes and materials of vehicles, pedestrians, vegetation and street furniture."""
