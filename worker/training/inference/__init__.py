"""Computes the outputs of a model for the rows of a dataset, to evaluate or to keep them."""
