"""Entity tags (RFC 9110)."""


def matches(if_none_match: str, etag: str) -> bool:
    """Returns whether an `If-None-Match` header names an entity tag, by weak comparison."""
    given = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in given or etag.removeprefix("W/") in given
