"""What endpoints ask FastAPI for."""
