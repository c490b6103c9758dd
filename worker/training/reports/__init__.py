"""Computes reports of predictions batch by batch, in memory that does not grow with the rows."""
