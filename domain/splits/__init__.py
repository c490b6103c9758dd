"""Splits of a dataset into parts."""
