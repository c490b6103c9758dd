"""An HTTP client that sends each request to any API, and repeats it until it is answered."""

import random
import time
from collections.abc import Sequence
from typing import Any

import httpx

from tests.chaos.cluster.part import LOOPBACK, Part
from tests.chaos.cluster.timeline import Timeline
from tests.chaos.load.answers import Answer, Answers

TIMEOUT_SECONDS = 60
"""Time after which an API without an answer counts as hanging."""
LONGEST_WAIT_SECONDS = 5.0


class GaveUp(Exception):
    """The deadline passed before a request had a definite answer."""


class HttpClient:
    """Sends requests and records every answer."""

    def __init__(self, apis: Sequence[Part], answers: Answers, timeline: Timeline) -> None:
        self._apis = apis
        self._answers = answers
        self._timeline = timeline
        self._http = httpx.Client(timeout=TIMEOUT_SECONDS)
        self.deadline = float("inf")
        """The time on the timeline at which `ask` gives up."""

    def close(self) -> None:
        """Closes all connections."""
        self._http.close()

    def once(
        self, method: str, path: str, *, api: Part | None = None, **arguments: Any
    ) -> httpx.Response | None:
        """Sends one request, by default to any API; None if no answer came."""
        api = api or random.choice(self._apis)
        began = self._timeline.now()
        response: httpx.Response | None = None
        try:
            url = f"http://{LOOPBACK}:{api.port}{path}"
            response = self._http.request(method, url, **arguments)
            detail = response.text if response.status_code >= 400 else ""
        except httpx.TransportError as error:
            detail = f"{type(error).__name__}: {error}"
        headers = {} if response is None else response.headers
        self._answers.add(
            Answer(
                since=began,
                until=self._timeline.now(),
                api=api.name,
                request=f"{method} {path}",
                status=None if response is None else response.status_code,
                media_type=headers.get("content-type", "").partition(";")[0],
                retry_after=headers.get("retry-after"),
                detail=detail,
            )
        )
        return response

    def ask(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Sends the same request until there is a definite answer.

        Raises:
            GaveUp: no definite answer came by the deadline.
        """
        while self._timeline.now() < self.deadline:
            response = self.once(method, path, **arguments)
            if response is not None and not _is_to_be_repeated(response):
                return response
            time.sleep(_wait(response))
        raise GaveUp(f"{method} {path}")

    def read(self, path: str) -> Any:
        """Requests the JSON of a resource that must exist.

        Raises:
            GaveUp: no definite answer came by the deadline.
        """
        response = self.ask("GET", path)
        return response.json() if response.status_code == 200 else {"missing": response.status_code}

    def items(self, path: str) -> list[dict[str, Any]]:
        """Requests all pages of a list and returns their items."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.read(f"{path}?page_size=200{cursor}")
            found += page["items"]
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"


def _is_to_be_repeated(response: httpx.Response) -> bool:
    """Whether the server asks for a repeat, or failed."""
    comes_back = "retry-after" in response.headers and response.status_code >= 400
    return comes_back or response.status_code >= 500


def _wait(response: httpx.Response | None) -> float:
    seconds = 0.3 if response is None else float(response.headers.get("retry-after", 1))
    return min(seconds, LONGEST_WAIT_SECONDS) * random.uniform(0.5, 1.0)
