"""Errors with a text for the client.

GraphfitError
├── NotJson            the body is not JSON
├── Invalid            the content of the request is at fault; has every Fault
├── NotFound           the owner has no such thing
│   ├── Damaged        the stored bytes differ from those written
│   ├── NotMade        it is not made yet, or never will be; says why
│   └── NotOffered     no allow-list has the name; says why, or which name is similar
├── Conflict           the present state forbids the request
├── TooLarge           the body exceeds a limit in bytes
├── Busy               the server is busy; retry after some seconds
├── StorageFull        the disk is full; the request stored nothing
└── LeaseLost          another attempt owns the job; this one must stop writing
"""

import errno
import re
from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.contract import Contract

LONGEST_DETAIL = 1_000
"""Maximum number of characters of a fault's detail."""
LONGEST_POINTER = 8_192
"""Maximum number of characters of a fault's pointer."""
LONGEST_WORD = 100
"""Maximum number of characters of client text that are compared or repeated."""
MOST_COMPARED = 50
"""A misspelt name is compared with this many names before and after it in sorted order."""
MOST_SIMILAR = 5
"""The words of this many similar names are compared with those of the misspelt name."""
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The numbers of the errors of a full disk."""
MOST_LISTED = 20
"""A refusal of an unknown name lists the known ones, if they are no more than this."""
MOST_FAULTS = 100
"""Maximum number of faults in one answer."""
_WORD = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{3,}")
"""A word of a name, in snake case or camel case; shorter ones are ignored."""


def shorten_pointer(pointer: str) -> str:
    """Return a pointer that is short enough for an answer, to a place around the place if needed.

    Keys may be as long as the body of a request.
    """
    if len(pointer) <= LONGEST_POINTER:
        return pointer
    return pointer[: max(0, pointer.rfind("/", 0, LONGEST_POINTER + 1))]


class Fault(Contract):
    """One fault in a request: its place, and what would be right."""

    pointer: Annotated[str, AfterValidator(shorten_pointer)] = Field(
        examples=["/definition/nodes/2/layer/config/units"]
    )
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


def raise_if_any(faults: Iterable[Fault]) -> None:
    """Raise the first faults, if there are any; look for no faults beyond MOST_FAULTS.

    Raises:
        Invalid: There is a fault.
    """
    if found := list(islice(faults, MOST_FAULTS)):
        raise Invalid(found)


class NotFound(GraphfitError):
    """The owner has no such thing."""

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"There is no {kind} '{identifier}'.")


class Damaged(NotFound):
    """The bytes of a stored file differ from those written."""

    def __init__(self, name: str) -> None:
        detail = f"The stored file '{name}' is damaged and cannot be used."
        GraphfitError.__init__(self, detail)


class NotMade(NotFound):
    """It is not made yet, or never will be."""

    def __init__(self, detail: str) -> None:
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

    Among many names, only those next to the word in sorted order are compared. Of similar names,
    the one with the most words of the misspelt name is chosen. A name that differs from it by a
    whole word, as `validation_split` from `validation_freq`, is none.
    """
    if len(word) > LONGEST_WORD:
        return ""
    by_lower = {name.lower(): name for name in known}
    lower, likely = word.lower(), list(by_lower)
    if len(likely) > 2 * MOST_COMPARED:
        likely.sort()
        place = bisect(likely, lower)
        likely = likely[max(0, place - MOST_COMPARED) : place + MOST_COMPARED]
    near = get_close_matches(lower, likely, n=MOST_SIMILAR, cutoff=0.6)
    names = sorted((by_lower[name] for name in near), key=lambda name: _count_lost(word, name))
    if not names or (_count_lost(word, names[0]) and _count_lost(names[0], word)):
        return ""
    return f" Did you mean '{names[0]}'?"


def _count_lost(name: str, other: str) -> int:
    """Return how many words of a name have no similar word in another name."""
    words, others = ([word.lower() for word in _WORD.findall(text)] for text in (name, other))
    return sum(
        word not in other.lower() and not get_close_matches(word, others, n=1, cutoff=0.6)
        for word in words
    )


def clip(text: str, most: int = LONGEST_WORD) -> str:
    """Shorten a text, which may come from the client, for an answer."""
    return text if len(text) <= most else f"{text[:most]}..."


def not_offered(
    noun: str, name: str, known: Iterable[str], left_out: Mapping[str, str] | None = None
) -> str:
    """Say why an allow-list lacks a name: the known reason, or a similar name, and few names."""
    if left_out and name in left_out:
        return f"'{name}' cannot be used. {left_out[name]}"
    known = sorted(known)
    return f"There is no {noun} '{clip(name)}'.{did_you_mean(name, known)}{_list_few(known)}"


def _list_few(known: Sequence[str]) -> str:
    """Return ` There are 'x' and 'y'.`, or an empty string if there are many names.

    Of names that differ only in case, the first one is listed.
    """
    names: dict[str, str] = {}
    for name in known:
        names.setdefault(name.lower(), f"'{name}'")
    if not 0 < len(names) <= MOST_LISTED:
        return ""
    *others, last = names.values()
    return f" There are {', '.join(others)} and {last}." if others else f" There is {last}."


def is_disk_full(error: Exception) -> bool:
    """Return whether the disk is full. HDF5 and safetensors give the errno only in the text."""
    if isinstance(error, StorageFull):
        return True
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in FULL
    return any(re.search(rf"(os error|errno =) {number}\b", str(error)) for number in FULL)
