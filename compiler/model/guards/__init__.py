"""Refuses graphs that Keras accepts, but computes wrongly or fails on later."""
