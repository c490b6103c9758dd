"""Turns a request body into an accepted graph or job."""
