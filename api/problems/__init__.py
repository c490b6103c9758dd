"""Problem documents."""
