"""The rows of a training: which rows each batch has, and how their values are prepared."""
