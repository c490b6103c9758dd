"""The answers that clients received, and the check that each of them is right."""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from tests.chaos.cluster.part import Part

PROBLEM = "application/problem+json"
SUCCESS = frozenset({200, 201, 202, 204, 304})
MARGIN_SECONDS = 2.0
"""Time after a full disk in which a request that began earlier may still be answered 507."""


@dataclass(frozen=True)
class Answer:
    """The answer to one request; times are those of the timeline."""

    since: float
    until: float
    api: str
    request: str
    status: int | None
    """None if no answer came."""
    media_type: str = ""
    retry_after: str | None = None
    detail: str = ""
    """The body of an error, or how the connection failed."""

    def __str__(self) -> str:
        status = self.status or "no answer"
        return f"{self.api}: {self.request} -> {status} {self.detail[:300]}"


@dataclass
class Answers:
    """All answers of a run; several threads may add to them."""

    _all: list[Answer] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, answer: Answer) -> None:
        """Adds one answer."""
        with self._lock:
            self._all.append(answer)

    def replace(self, answers: Iterable[Answer]) -> None:
        """Replaces all answers."""
        with self._lock:
            self._all[:] = answers

    def __iter__(self) -> Iterator[Answer]:
        with self._lock:
            return iter(list(self._all))

    def counts(self) -> Counter[str]:
        """The number of answers by status."""
        return Counter(str(answer.status or "no answer") for answer in self)


@dataclass(frozen=True)
class Circumstances:
    """The faults of a run that make an error answer right."""

    full: list[tuple[float, float]]
    """The times during which the disk was full."""
    apis: Mapping[str, Part]

    def was_full(self, answer: Answer) -> bool:
        """Whether the disk was full at any time of the request."""
        return any(
            since <= answer.until and answer.since <= until + MARGIN_SECONDS
            for since, until in self.full
        )


def error_in(answer: Answer, circumstances: Circumstances) -> str | None:
    """Why the answer is wrong; None if it is right."""
    if answer.status is None:
        api = circumstances.apis[answer.api]
        ran = api.served_throughout(answer.since, answer.until)
        return "an API that ran gave no answer" if ran else None
    if answer.status in SUCCESS:
        return None
    if answer.media_type != PROBLEM:
        return f"a {answer.status} that is not a problem document"
    return _error_in_problem(answer, circumstances)


def _error_in_problem(answer: Answer, circumstances: Circumstances) -> str | None:
    match answer.status:
        case 409:
            return None
        case 404 if answer.request.startswith("DELETE"):
            return None  # an earlier try has deleted it, and its answer was lost
        case 404 if answer.request.endswith("/report"):
            return None  # many jobs have none; those that must have one are compared
        case 503:
            return None if answer.retry_after else "a 503 without Retry-After"
        case 507:
            return None if circumstances.was_full(answer) else "a 507 while the disk was not full"
        case status:
            return f"a {status}"
