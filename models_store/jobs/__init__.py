"""The queue: job rows, claims, leases, retries."""
