"""The hardware that a training process computes on, and the environment that decides its bits."""
