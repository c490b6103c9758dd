"""Streams and files of Arrow's record batches (IPC)."""
