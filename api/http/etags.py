"""Entity tags, and the conditions of requests that name them (RFC 9110, 13)."""

from typing import NamedTuple

from api.problems.handlers import PreconditionFailed


class Conditions(NamedTuple):
    """The conditional headers of a request.

    `If-Unmodified-Since` and `If-Modified-Since` are ignored, since no representation has a
    modification date (RFC 9110, 13.1.3 and 13.1.4).
    """

    if_match: str | None = None
    if_none_match: str | None = None

    def is_unchanged(self, etag: str) -> bool:
        """Returns whether the client has the current representation, so that the answer is 304.

        Raises:
            PreconditionFailed: `If-Match` does not name the entity tag.
        """
        check_if_match(self.if_match, etag)
        return self.if_none_match is not None and matches(self.if_none_match, etag)


def check_if_match(if_match: str | None, etag: str | None) -> None:
    """Checks an `If-Match` header by strong comparison: a weak entity tag never matches.

    Args:
        if_match: The header, if the request has one.
        etag: The entity tag of the representation; None if it has none.

    Raises:
        PreconditionFailed: The header names neither the entity tag nor `*`.
    """
    if if_match is None or "*" in (given := _split(if_match)):
        return
    if etag is None or etag.startswith("W/") or etag not in given:
        current = "it has no strong entity tag" if etag is None else f"its entity tag is {etag}"
        raise PreconditionFailed(f"`If-Match` does not match the resource: {current}.")


def matches(if_none_match: str, etag: str) -> bool:
    """Returns whether an `If-None-Match` header names an entity tag, by weak comparison."""
    given = [tag.removeprefix("W/") for tag in _split(if_none_match)]
    return "*" in given or etag.removeprefix("W/") in given


def _split(header: str) -> list[str]:
    return [tag.strip() for tag in header.split(",")]
