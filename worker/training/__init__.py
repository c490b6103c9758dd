"""The training process: builds, trains and exports a model."""
