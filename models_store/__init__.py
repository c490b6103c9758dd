"""Storage: database, files, datasets, the job queue and the message broker."""
