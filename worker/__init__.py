"""The worker: supervisor, training process, reaper."""
