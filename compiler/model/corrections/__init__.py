"""Corrects layers of Keras that compute wrongly with unknown lengths."""
