"""Lamps that burn in a frame: those of traffic signals and those of vehicles."""
