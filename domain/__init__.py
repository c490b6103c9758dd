"""What is true: the graph language, jobs, datasets and their rules. No I/O, no clock."""
