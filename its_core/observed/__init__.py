"""Labels that a detector and a tracker observe in a clip. They are scores, not facts."""
