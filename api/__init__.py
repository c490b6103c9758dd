"""What is said: HTTP, nothing else."""
