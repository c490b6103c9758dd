"""Messages between the supervisor and the training process."""
