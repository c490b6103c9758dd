"""Rows of graphs, datasets, models, keys and events."""
