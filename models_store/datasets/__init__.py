"""Datasets: bodies read into columns, rows read out."""
