"""Deletes expired rows and unreferenced files, and verifies files by their hashes."""
