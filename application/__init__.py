"""What a request means, free of HTTP: checks, submission of jobs, predictions."""
