"""The rows of sweeps and of their trials."""
