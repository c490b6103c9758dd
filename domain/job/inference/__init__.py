"""Evaluate and predict jobs: what the training of their model decides for them."""
