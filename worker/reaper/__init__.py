"""The reaper: requeues jobs of lost workers, explains why jobs wait, deletes expired data."""
