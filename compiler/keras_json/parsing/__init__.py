"""Parses Keras's JSON into models, layers, calls and tensors, whichever Keras version wrote it."""
