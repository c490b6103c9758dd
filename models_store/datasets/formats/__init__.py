"""Parsers of upload formats, which write `.npy` columns."""
