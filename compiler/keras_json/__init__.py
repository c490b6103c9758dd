"""Reads Keras's JSON of a model as a graph, and writes a graph as Keras's JSON."""
