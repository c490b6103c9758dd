"""Celery messages that wake workers."""
