"""Connections: their limits, turns between them, and what ends when a client goes."""
