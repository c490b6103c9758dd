"""Checks that an attack is refused quickly, and reads, runs, stores and leaves nothing."""

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.abuse.attacks import layer
from tests.support.service import ROOT, Service, until

SECONDS = 1.0
VALID_REQUESTS = 20
"""As many valid requests take about a second if the machine has no other work. With other work an
attack may take as long as they would take at the same time."""
TRIES = 3
"""Tries for each attack; the fastest counts, since other work may slow the machine down."""
GROWTH_BYTES = 200 * 2**20
SECRET = "the-secret-of-the-canary"


class Watch:
    """One service, a file that no answer may quote, and the path of a file that must not appear."""

    def __init__(self, service: Service, folder: Path) -> None:
        self.client = service.client
        self.canary = folder / "canary.txt"
        self.canary.write_text(f"{SECRET}\n{SECRET}-2\n")
        self.proof = folder / "proof.txt"
        self._api = service.part("api")
        self.served()  # the checker has started
        self._bytes = self._api.memory_info().rss
        self._children = self._living()
        self._kept: Any = None

    def begin(self) -> None:
        """Notes the stored graphs; further ones are a failure."""
        self._kept = self._graphs()

    def served(self) -> None:
        """Asserts that a valid request is answered."""
        body = {"definition": layer("Dense", {"units": 2})}
        answer = self.client.post("/v1/graphs?validate_only=true", json=body)
        assert answer.status_code == 200, answer.text

    def refused(self, body: Any, *, path: str = "/v1/graphs") -> dict[str, str]:
        """Posts a body that must be refused, and returns the faults by pointer.

        Args:
            body: A JSON value, or the bytes to send.
            path: The path to post to.
        """
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        answer = self._fast(raw, path)
        assert answer.status_code == 422, answer.text[:2000]
        faults = answer.json()["errors"]
        assert faults
        assert len(answer.content) < 100_000
        self._says_nothing(answer)
        return {fault["pointer"]: fault["detail"] for fault in faults}

    def _fast(self, raw: bytes, path: str) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        taken: list[float] = []
        while len(taken) < TRIES:
            began = time.monotonic()
            answer = self.client.post(path, content=raw, headers=headers)
            taken.append(time.monotonic() - began)
            if taken[-1] < SECONDS or taken[-1] < VALID_REQUESTS * self._measure_valid():
                return answer
        raise AssertionError(f"took {taken} seconds: {answer.text[:500]}")

    def _measure_valid(self) -> float:
        """Returns the seconds that a valid request takes now."""
        began = time.monotonic()
        self.served()
        return time.monotonic() - began

    def _says_nothing(self, answer: httpx.Response) -> None:
        for text in (SECRET, "Traceback", "site-packages", str(ROOT)):
            assert text not in answer.text

    def unharmed(self) -> None:
        """Asserts that nothing was stored, run or left, and that the memory has not grown."""
        self.served()
        assert not self.proof.exists()
        assert self._graphs() == self._kept
        until(lambda: True if self._living() <= self._children else None, "the end of children")
        assert self._api.memory_info().rss - self._bytes < GROWTH_BYTES

    def _graphs(self) -> Any:
        return self.client.get("/v1/graphs").json()

    def _living(self) -> set[int]:
        living: set[int] = set()
        for child in self._api.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                if child.status() != psutil.STATUS_ZOMBIE:
                    living.add(child.pid)
        return living
