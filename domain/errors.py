"""Everything that can go wrong in words a client understands.

GraphfitError
├── NotJson            the body cannot be read as JSON
├── Invalid            the content of the request is at fault; carries every Fault
├── NotFound           no such thing for this owner
│   └── NotOffered     no such thing for anybody; why, or what is near
├── Conflict           the thing's present state forbids it
├── TooLarge           more bytes than a limit allows
├── Busy               not now; worth another try after some seconds
├── StorageFull        no room on the disk; nothing was kept
└── LeaseLost          another worker owns the job; write nothing more
"""

from bisect import bisect
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import Annotated

from pydantic import AfterValidator, Field

from domain.contract import Contract

LONGEST_DETAIL = 1_000
"""Characters in what is said of one fault."""
LONGEST_WORD = 100
"""Characters of a client's own text that are compared or repeated."""
MOST_COMPARED = 50
"""Names on each side of a misspelt one, by the alphabet, that it is compared with."""
MOST_FAULTS = 100
"""That one answer tells; who mends these is told of the next."""


class Fault(Contract):
    """One thing wrong in a request: where, and what would be right."""

    pointer: str = Field(examples=["/definition/nodes/2/layer/config/units"])
    """JSON Pointer (RFC 6901) into the request body as sent."""
    detail: Annotated[str, AfterValidator(lambda text: clip(text, LONGEST_DETAIL))]
    """What is wrong there and what would be right."""

    def at(self, pointer: str) -> "Fault":
        """The same fault, as it lies in another document."""
        return self.model_copy(update={"pointer": pointer})


class GraphfitError(Exception):
    """The root: `detail` is written for the client."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotJson(GraphfitError):
    """The body cannot be read as JSON."""


class Invalid(GraphfitError):
    """The content of the request is at fault; every fault at once, up to MOST_FAULTS."""

    def __init__(self, faults: Iterable[Fault], detail: str | None = None) -> None:
        self.faults = tuple(dict.fromkeys(islice(faults, MOST_FAULTS)))
        super().__init__(detail or _summary_of(self.faults))


class NotFound(GraphfitError):
    """There is no such thing for this owner."""

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"There is no {kind} '{identifier}'.")


class Damaged(NotFound):
    """A file is kept, but its bytes are not those that were written."""

    def __init__(self, name: str) -> None:
        detail = f"The file '{name}' is damaged in the store; nothing is made of it."
        GraphfitError.__init__(self, detail)


class NotOffered(NotFound):
    """An allow-list has no such name."""

    def __init__(
        self, noun: str, name: str, known: Iterable[str], left_out: Mapping[str, str]
    ) -> None:
        super().__init__(noun, name)
        self.detail = not_offered(noun, name, known, left_out)


class Conflict(GraphfitError):
    """The present state of a thing forbids what was asked.

    Where that state passes by itself, `retry_after` says in how many seconds to ask again.
    """

    def __init__(self, detail: str, retry_after: int | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class TooLarge(GraphfitError):
    """More bytes than a limit allows."""


class Busy(GraphfitError):
    """Not now: worth another try after `retry_after` seconds."""

    def __init__(self, detail: str, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class StorageFull(GraphfitError):
    """There is no room left where files are kept; nothing of the request was kept."""

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(
            detail or "The server has no room left to store this; nothing of it was kept."
        )


class LeaseLost(GraphfitError):
    """The job's lease belongs to another attempt: write nothing more for this one."""


def _summary_of(faults: tuple[Fault, ...]) -> str:
    if len(faults) == 1:
        return faults[0].detail
    return f"{len(faults)} things are wrong; `errors` lists each with its place."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the nearest of `known`, else the empty string.

    Of very many names those are compared that begin most like the word.
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
    """A text that may be a client's own, as much of it as an answer repeats."""
    return text if len(text) <= most else f"{text[:most]}..."


def not_offered(
    noun: str, name: str, known: Iterable[str], left_out: Mapping[str, str] | None = None
) -> str:
    """Why an allow-list has no such name: the reason where it was left out, else what is near."""
    if left_out and name in left_out:
        return f"'{name}' cannot be used. {left_out[name]}"
    return f"There is no {noun} '{name}'.{did_you_mean(name, known)}"
