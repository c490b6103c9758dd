"""`/v1/sweeps`: searches for hyperparameters."""
