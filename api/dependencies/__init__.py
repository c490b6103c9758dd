"""FastAPI dependencies: ids, pages, owner, idempotency keys, checks of query parameters."""
