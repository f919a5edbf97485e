"""Who takes part: the vehicles and people of an incident, and those around them."""
