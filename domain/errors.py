"""Everything that can go wrong in words a client understands.

GraphfitError
├── NotJson            the body cannot be read as JSON
├── Invalid            the content of the request is at fault; carries every Fault
├── NotFound           no such thing for this owner
├── Conflict           the thing's present state forbids it
├── TooLarge           more bytes than a limit allows
├── Busy               not now; worth another try after some seconds
├── StorageFull        no room on the disk; nothing was kept
└── LeaseLost          another worker owns the job; write nothing more
"""

from collections.abc import Iterable
from difflib import get_close_matches

from pydantic import Field

from domain.contract import Contract


class Fault(Contract):
    """One thing wrong in a request: where, and what would be right."""

    pointer: str = Field(examples=["/definition/nodes/2/layer/config/units"])
    """JSON Pointer (RFC 6901) into the request body as sent."""
    detail: str
    """What is wrong there and what would be right."""


class GraphfitError(Exception):
    """The root: `detail` is written for the client."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotJson(GraphfitError):
    """The body cannot be read as JSON."""


class Invalid(GraphfitError):
    """The content of the request is at fault; every fault at once."""

    def __init__(self, faults: Iterable[Fault], detail: str | None = None) -> None:
        self.faults = tuple(dict.fromkeys(faults))
        super().__init__(detail or _summary_of(self.faults))


class NotFound(GraphfitError):
    """There is no such thing for this owner."""

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"There is no {kind} '{identifier}'.")


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

    def __init__(self) -> None:
        super().__init__("The server has no room left to store this; nothing of it was kept.")


class LeaseLost(GraphfitError):
    """The job's lease belongs to another attempt: write nothing more for this one."""


def _summary_of(faults: tuple[Fault, ...]) -> str:
    if len(faults) == 1:
        return faults[0].detail
    return f"{len(faults)} things are wrong; `errors` lists each with its place."


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` Did you mean 'x'?` for the nearest of `known`, else the empty string."""
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f" Did you mean '{by_lower[near[0]]}'?" if near else ""
