"""Splits a dataset into parts, which are views of its rows."""
