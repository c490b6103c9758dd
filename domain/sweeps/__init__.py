"""Sweeps: searches for hyperparameters, and their spaces."""
