"""The graph language, its rules and limits."""
