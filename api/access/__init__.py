"""Authentication: API keys, and the checks of a server on loopback."""
