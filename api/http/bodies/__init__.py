"""Request bodies: their media types, encodings and hashes, forms, and uploads in threads."""
