"""Bodies of requests and responses in JSON."""
