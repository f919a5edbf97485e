"""Scores of predictions: ACCIDENT's, Nexar's, clip classification, false alarms, boxes; with intervals, by stratum."""
