"""Descriptions of layers and functions for clients."""
