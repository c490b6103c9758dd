"""JSON Pointers (RFC 6901): built from tokens, and clipped to a body as it was sent."""

from collections.abc import Iterable
from typing import Any


def pointer(*tokens: str | int) -> str:
    """`pointer("nodes", 2, "a/b")` is `/nodes/2/a~1b`."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def tokens_of(text: str) -> list[str]:
    """The unescaped tokens of a pointer."""
    return [token.replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:]]


def clipped(text: str, body: Any) -> str:
    """The longest beginning of a pointer that exists in `body`, plus a last missing key.

    What the server expands (a stored graph named by its id) lies deeper than the body
    as sent; the fault is then shown at the id.
    """
    kept, body = _walked(text, body)
    rest = tokens_of(text)[len(kept) :]
    return pointer(*kept, *(rest[:1] if isinstance(body, dict | list) else ()))


def existing(text: str, body: Any) -> str:
    """The longest beginning of a pointer that exists: what lacks what it says is missing."""
    kept, _ = _walked(text, body)
    return pointer(*kept)


def _walked(text: str, body: Any) -> tuple[list[str], Any]:
    """The tokens that exist, and what they lead to."""
    kept: list[str] = []
    for token in tokens_of(text):
        found, body = _step(body, token)
        if not found:
            break
        kept.append(token)
    return kept, body


def located(location: Iterable[str | int], body: Any, *, missing: bool) -> str:
    """The pointer of a pydantic error's `loc`, whose union tags the body does not hold."""
    kept: list[str | int] = []
    location = list(location)
    for position, token in enumerate(location):
        found, inner = _step(body, token)
        last = position == len(location) - 1
        if found:
            body = inner
            kept.append(token)
        elif last and missing:
            kept.append(token)
    return pointer(*kept)


def _step(body: Any, token: str | int) -> tuple[bool, Any]:
    if isinstance(body, dict) and token in body:
        return True, body[token]
    if isinstance(body, list) and str(token).isdigit() and int(token) < len(body):
        return True, body[int(token)]
    return False, body
