"""The supervisor: claims jobs, renews leases, watches training processes."""
