"""Rejects graphs that Keras accepts and then computes wrongly, or fails on later."""
