"""Retention, sweeping, verification."""
