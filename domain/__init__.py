"""The graph language, jobs and datasets, and their rules. No I/O, no clock."""
