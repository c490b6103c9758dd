"""Who may call: API keys, loopback."""
