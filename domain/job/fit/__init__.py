"""The rules of `fit`: epochs, steps, validation."""
