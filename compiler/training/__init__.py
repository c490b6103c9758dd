"""Compiles a Keras model by a training recipe."""
