"""Speed goals beside their yardsticks, measured as ratios in one run."""
