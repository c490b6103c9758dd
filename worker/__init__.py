"""The worker: the Celery app, the supervisor, the training process and the reaper."""
