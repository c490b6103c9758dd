"""Application logic, independent of HTTP: checks, submission of jobs, predictions."""
