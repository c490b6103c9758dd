"""The worker: claims jobs, keeps leases, watches training processes."""
