"""From the rows of a prediction request to a model's outputs."""
