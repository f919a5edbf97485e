"""What ``cosmos.py`` measures, in parts."""
