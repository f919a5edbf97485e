"""What to make: manifest rows, checked, and the prompts composed from them."""
