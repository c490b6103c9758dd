"""Writes datasets as files of the formats that are also read."""
