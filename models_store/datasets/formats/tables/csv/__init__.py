"""Texts of comma-separated or tab-separated values."""
