"""Live streams of the events of jobs."""
