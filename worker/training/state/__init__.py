"""The state of a training, from which another process resumes it with the same bits."""
