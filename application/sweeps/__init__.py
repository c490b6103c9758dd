"""Runs sweeps: suggests the parameters of trials, and submits trials as jobs."""
