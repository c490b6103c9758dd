"""Datasets: parses bodies into columns, and reads rows."""
