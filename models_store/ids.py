"""New identifiers."""

from ulid import ULID


def new_id(kind: str) -> str:
    """`<kind>_` and a fresh ULID in lowercase; later ones sort after earlier ones."""
    return f"{kind}_{str(ULID()).lower()}"
