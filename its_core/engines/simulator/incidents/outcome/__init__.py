"""What came of a try: whether it is the incident, whether the camera shows it, what follows, in numbers and words."""
