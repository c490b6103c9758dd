"""Files: a local folder or a bucket, the cache, and scratch space."""
