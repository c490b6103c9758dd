"""What the training process does for each kind of job."""
