"""Speed goals, measured as ratios to a yardstick in one run."""
