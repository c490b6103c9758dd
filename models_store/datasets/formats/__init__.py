"""Bodies of datasets, read into `.npy` columns."""
