"""Uploads in parts: receives the parts of a file, and reads them as one file."""
