"""Builds JSON Pointers (RFC 6901) from tokens, and splits them into tokens."""


def pointer(*tokens: str | int) -> str:
    """Return the JSON Pointer of some tokens: `pointer("nodes", 2, "a/b")` is `/nodes/2/a~1b`."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def tokens_of(text: str) -> list[str]:
    """Return the unescaped tokens of a pointer."""
    return [token.replace("~1", "/").replace("~0", "~") for token in text.split("/")[1:]]
