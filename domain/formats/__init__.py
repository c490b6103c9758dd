"""Formats of datasets: the options of reading them."""
