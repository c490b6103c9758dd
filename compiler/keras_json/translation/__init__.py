"""Translates parsed models of Keras into the graph language."""
