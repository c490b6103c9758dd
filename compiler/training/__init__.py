"""Checks a training recipe, and compiles a Keras model with it."""
