"""Chooses the form of a response by the headers `Accept` and `Accept-Encoding` (RFC 9110, 12.5)."""

from collections.abc import Iterable
from typing import NamedTuple


class _Range(NamedTuple):
    """A media range of an `Accept` header."""

    media_type: str
    """In lower case; `*/*` and `text/*` match several types."""
    quality: float
    """The weight `q`, from 0 to 1."""
    position: int

    @property
    def specificity(self) -> int:
        """2 for a media type, 1 for `text/*`, 0 for `*/*`."""
        return 2 - self.media_type.count("*")

    def includes(self, media_type: str) -> bool:
        """Returns whether the range includes a media type."""
        main = media_type.partition("/")[0]
        return self.media_type in (media_type, f"{main}/*", "*/*")


def choose_media_type(headers: Iterable[str], offered: tuple[str, ...]) -> str:
    """Returns the offered media type that the client prefers.

    Of types with equal weights, one that the client names wins over one that a `*` includes, and
    then the one that the client names first.

    Args:
        headers: The values of all `Accept` headers.
        offered: The media types, in lower case. The first one is the default, also if the client
            accepts none of them.
    """
    ranges = _parse(",".join(headers))
    return max(offered, key=lambda media_type: _rank(media_type, ranges))


def accepts_coding(headers: Iterable[str], coding: str) -> bool:
    """Returns whether the client accepts a content coding, and does not prefer to have none.

    Args:
        headers: The values of all `Accept-Encoding` headers.
        coding: The coding, in lower case.
    """
    weights = {item.media_type: item.quality for item in _parse(",".join(headers))}
    weight = weights.get(coding, weights.get("*", 0.0))
    return weight > 0 and weight >= weights.get("identity", 0.0)


def _rank(media_type: str, ranges: list[_Range]) -> tuple[float, int, int]:
    """Returns the weight of the most specific range of a media type, and two tie-breakers."""
    found = [item for item in ranges if item.includes(media_type)]
    if not found:
        return 0.0, 0, 0
    best = max(found, key=lambda item: item.specificity)
    return (best.quality, best.specificity, -best.position) if best.quality else (0.0, 0, 0)


def _parse(header: str) -> list[_Range]:
    ranges = []
    for position, item in enumerate(header.split(",")):
        media_type, *parameters = (part.strip().lower() for part in item.split(";"))
        if media_type:
            ranges.append(_Range(media_type, _parse_quality(parameters), position))
    return ranges


def _parse_quality(parameters: list[str]) -> float:
    """Returns the weight of a range; 1 if it has none or a malformed one."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 1.0
    return 1.0
