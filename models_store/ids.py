"""New identifiers."""

from datetime import datetime

from ulid import ULID

_TIME_BYTES, _RANDOM_BYTES = 6, 10


def new_id(kind: str) -> str:
    """`<kind>_` and a fresh ULID in lowercase; later ones sort after earlier ones."""
    return f"{kind}_{str(ULID()).lower()}"


def make_least_id(kind: str, at: datetime) -> str:
    """Returns the id that sorts before every id that was made at this time or later."""
    milliseconds = int(at.timestamp() * 1000)
    ulid = ULID.from_bytes(milliseconds.to_bytes(_TIME_BYTES, "big") + bytes(_RANDOM_BYTES))
    return f"{kind}_{str(ulid).lower()}"
