"""Runs predictions: from the rows of a request to the outputs of a model."""
