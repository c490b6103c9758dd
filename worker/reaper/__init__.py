"""The reaper: takes back lost jobs, sweeps."""
