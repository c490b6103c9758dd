"""Where the parts of a definition came from, when it was read from another document."""

from collections.abc import Mapping


def translate(pointer: str, places: Mapping[str, str]) -> str:
    """The place in the other document of a pointer into the definition.

    The longest beginning that `places` knows counts; what follows it is kept, and of a pointer
    that it does not know at all nothing is.
    """
    known, rest = pointer, ""
    while known not in places:
        if not known:
            return ""
        known, _, token = known.rpartition("/")
        rest = f"/{token}{rest}"
    return places[known] + rest
