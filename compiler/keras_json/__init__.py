"""Keras's own JSON of a model, read into the graph language and written from it."""
