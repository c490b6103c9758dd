"""Fetches the file of an `import` job from an allowed host, or from a bucket."""
