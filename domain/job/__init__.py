"""Training requests: their rules, and how they fit graph and data."""
