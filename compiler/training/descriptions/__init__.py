"""Descriptions of optimizers, losses, metrics and other components for clients."""
