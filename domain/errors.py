"""Errors with a text for the client.

GraphfitError
├── NotJson            the body is not JSON
├── Invalid            the content of the request is at fault; has every Fault
├── NotFound           the owner has no such thing
│   ├── Damaged        the stored bytes differ from those written
│   └── NotOffered     no allow-list has the name; says why, or which name is similar
├── Conflict           the present state forbids the request
├── TooLarge           the body exceeds a limit in bytes
├── Busy               the server is busy; retry after some seconds
├── StorageFull        the disk is full; the request stored nothing
└── LeaseLost          another attempt owns the job; this one must stop writing
"""

from bisect import bisect
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.contract import Contract

LONGEST_DETAIL = 1_000
"""Maximum number of characters of a fault's detail."""
LONGEST_WORD = 100
"""Maximum number of characters of client text that are compared or repeated."""
MOST_COMPARED = 50
"""A misspelt name is compared with this many names before and after it in sorted order."""
MOST_FAULTS = 100
"""Maximum number of faults in one answer."""


class Fault(Contract):
    """One fault in a request: its place, and what would be right."""

    pointer: str = Field(examples=["/definition/nodes/2/layer/config/units"])
    """JSON Pointer (RFC 6901) into the request body as sent."""
    detail: Annotated[str, AfterValidator(lambda text: clip(text, LONGEST_DETAIL))]
    """What is wrong there and what would be right."""

    def at(self, pointer: str) -> "Fault":
        """Return the fault with another pointer."""
        return self.model_copy(update={"pointer": pointer})


class GraphfitError(Exception):
    """Base of all errors. `detail` is written for the client."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotJson(GraphfitError):
    """The body is not JSON."""


class Invalid(GraphfitError):
    """The content of the request is at fault. Has every fault, up to MOST_FAULTS."""

    def __init__(self, faults: Iterable[Fault], detail: str | None = None) -> None:
        self.faults = tuple(dict.fromkeys(islice(faults, MOST_FAULTS)))
        super().__init__(detail or _summary_of(self.faults))


class NotFound(GraphfitError):
    """The owner has no such thing."""

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"There is no {kind} '{identifier}'.")


class Damaged(NotFound):
    """The bytes of a stored file differ from those written."""

    def __init__(self, name: str) -> None:
        detail = f"The stored file '{name}' is damaged and cannot be used."
        GraphfitError.__init__(self, detail)


class NotOffered(NotFound):
    """No allow-list has the name."""

    def __init__(
        self, noun: str, name: str, known: Iterable[str], left_out: Mapping[str, str]
    ) -> None:
        super().__init__(noun, name)
        self.detail = not_offered(noun, name, known, left_out)


class Conflict(GraphfitError):
    """The present state of a thing forbids the request.

    If that state is temporary, `retry_after` is the number of seconds until a retry.
    """

    def __init__(self, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class TooLarge(GraphfitError):
    """The body exceeds a limit in bytes."""


class Busy(GraphfitError):
    """The server is busy. Retry after `retry_after` seconds."""

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class StorageFull(GraphfitError):
    """The disk is full. The request stored nothing."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(
            detail
            or "The server has no room left to store this; nothing of the request was stored."
        )


class LeaseLost(GraphfitError):
    """Another attempt owns the job's lease. This attempt must stop writing."""


def _summary_of(faults: tuple[Fault, ...]) -> str:
    if len(faults) == 1:
        return faults[0].detail
    return f"The request has {len(faults)} faults; `errors` lists each with its place."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the most similar known name, or an empty string.

    Among many names, only those next to the word in sorted order are compared.
    """
    if len(word) > LONGEST_WORD:
        return ""
    by_lower = {name.lower(): name for name in known}
    word, likely = word.lower(), list(by_lower)
    if len(likely) > 2 * MOST_COMPARED:
        likely.sort()
        place = bisect(likely, word)
        likely = likely[max(0, place - MOST_COMPARED) : place + MOST_COMPARED]
    near = get_close_matches(word, likely, n=1, cutoff=0.6)
    return f" Did you mean '{by_lower[near[0]]}'?" if near else ""


def clip(text: str, most: int = LONGEST_WORD) -> str:
    """Shorten a text, which may come from the client, for an answer."""
    return text if len(text) <= most else f"{text[:most]}..."


def not_offered(
    noun: str, name: str, known: Iterable[str], left_out: Mapping[str, str] | None = None
) -> str:
    """Say why an allow-list lacks a name: the known reason, or a similar name."""
    if left_out and name in left_out:
        return f"'{name}' cannot be used. {left_out[name]}"
    return f"There is no {noun} '{name}'.{did_you_mean(name, known)}"
