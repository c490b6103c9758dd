"""Columns on disk: their files, statistics, writers and readers."""
