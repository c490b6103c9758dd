"""Completes FastAPI's OpenAPI document, and adds the examples."""
