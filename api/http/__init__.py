"""Parsing of request bodies, and rendering of responses."""
