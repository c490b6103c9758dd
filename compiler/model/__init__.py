"""Builds a Keras model from a graph."""
