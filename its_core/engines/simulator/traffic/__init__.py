"""How road users decide: car-following drivers, walking pedestrians, what they perceive, time to collision."""
