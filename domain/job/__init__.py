"""Training requests: their rules, and how they match graph and data."""
