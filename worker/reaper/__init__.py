"""The reaper: requeues lost jobs, and deletes expired data."""
