"""FastAPI dependencies of the endpoints."""
