"""Strict JSON parsing, uploads, downloads with `Range`, ETags, and JSON responses."""
