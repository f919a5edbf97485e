"""Questions, answers and captions that follow from what is known of a clip; nothing is guessed by a model."""
