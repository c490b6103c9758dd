"""Files: local folder or bucket, cache, scratch."""
