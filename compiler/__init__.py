"""Builds Keras models from graphs."""
