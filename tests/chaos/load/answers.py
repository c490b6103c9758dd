"""Every answer that a client got, and what none may ever be."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.chaos.cluster.part import Part

PROBLEM = "application/problem+json"
FINE = frozenset({200, 201, 202, 204, 304})
MARGIN_SECONDS = 2.0
"""What began while the disk was full may be answered when it is not any more."""


@dataclass(frozen=True)
class Answer:
    """Of one request; times of the timeline."""

    since: float
    until: float
    api: str
    request: str
    status: int | None
    """None: there was none."""
    media_type: str = ""
    retry_after: str | None = None
    said: str = ""
    """The body of a refusal, or how the connection failed."""

    def __str__(self) -> str:
        status = self.status or "no answer"
        return f"{self.api}: {self.request} -> {status} {self.said[:300]}"


@dataclass
class Answers:
    """All of a storm."""

    _all: list[Answer] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def add(self, answer: Answer) -> None:
        """One more."""
        with self._guard:
            self._all.append(answer)

    def replace(self, answers: Iterable[Answer]) -> None:
        """Those alone."""
        with self._guard:
            self._all[:] = answers

    def __iter__(self) -> Iterator[Answer]:
        with self._guard:
            return iter(list(self._all))

    def counts(self) -> Counter[str]:
        """By status."""
        return Counter(str(answer.status or "no answer") for answer in self)


@dataclass(frozen=True)
class Circumstances:
    """What excuses an answer."""

    full: list[tuple[float, float]]
    """When there was no room on the disk."""
    apis: Mapping[str, Part]

    def was_full(self, answer: Answer) -> bool:
        """Whether there was no room at any time of a request."""
        return any(
            since <= answer.until and answer.since <= until + MARGIN_SECONDS
            for since, until in self.full
        )


def fault_of(answer: Answer, circumstances: Circumstances) -> str | None:
    """Why a client should not have got this; None where all is well."""
    if answer.status is None:
        api = circumstances.apis[answer.api]
        lived = api.served_throughout(answer.since, answer.until)
        return "an API that lived gave no answer" if lived else None
    if answer.status in FINE:
        return None
    if answer.media_type != PROBLEM:
        return f"a {answer.status} that is no problem document"
    return _fault_of_problem(answer, circumstances)


def _fault_of_problem(answer: Answer, circumstances: Circumstances) -> str | None:
    match answer.status:
        case 409:
            return None
        case 404 if answer.request.startswith("DELETE"):
            return None  # the second try of one whose answer was lost
        case 503:
            return None if answer.retry_after else "a 503 without Retry-After"
        case 507:
            return None if circumstances.was_full(answer) else "a 507 while there was room"
        case status:
            return f"a {status}"
