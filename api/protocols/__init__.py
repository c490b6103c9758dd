"""Protocols of predictions: JSON forms in, neutral rows out."""
