"""What is done: Celery, the training process, the training loop."""
