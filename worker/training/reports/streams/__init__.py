"""Streams of numbers: their blocks, distinct values and samples, with states that are saved."""
