"""Access control: API keys, or loopback hosts only."""
