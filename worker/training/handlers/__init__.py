"""Executes each kind of job in the training process."""
