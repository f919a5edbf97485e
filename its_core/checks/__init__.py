"""What came out: measures of every decoded clip and the expectations they must meet."""
