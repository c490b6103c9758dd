"""Compares each kind of output with its targets."""
