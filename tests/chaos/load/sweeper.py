"""A client that starts a sweep, follows it, and keeps what it has seen."""

import time
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.cluster.timeline import Timeline
from tests.chaos.load.http_client import GaveUp, HttpClient
from tests.chaos.load.workloads import make_dense

POLL_SECONDS = 0.5
TRIALS = 6
RATE = "/compile/optimizer/config/learning_rate"
JOBS_OF_SWEEP = 20
"""One sweep for so many jobs of the run, and at least one."""


@dataclass
class SweepRecord:
    """What a client has observed of one sweep."""

    key: str
    """The `Idempotency-Key` of its request."""
    body: dict[str, Any]
    sweep: str | None = None
    """The sweep's id; None if it was never accepted."""
    final: dict[str, Any] | None = None
    """The sweep as the client first saw it in a terminal state."""
    trials: list[dict[str, Any]] = field(default_factory=list)
    """Its trials at that time."""
    gave_up: bool = False


def draw_sweeps(seed: int, jobs: int, datasets: dict[str, str]) -> list[SweepRecord]:
    """Makes the sweeps of a run.

    Args:
        seed: The seed of the run.
        jobs: The number of jobs of the run.
        datasets: The ids of the datasets that exist already, by workload.
    """
    workload = make_dense()
    if workload.name not in datasets:
        return []
    count = max(1, jobs // JOBS_OF_SWEEP)
    return [
        SweepRecord(f"chaos-{seed}-sweep-{i}", _make_body(datasets[workload.name], seed + i))
        for i in range(count)
    ]


def _make_body(dataset: str, seed: int) -> dict[str, Any]:
    """Returns a sweep whose suggestions depend on the seed and the number of the trial alone."""
    request = make_dense().request(dataset, seed)
    request |= {"compile": {"optimizer": {"type": "Adam"}, "loss": "mse"}}
    request |= {"fit": {"epochs": 8, "batch_size": 8}}
    return {
        "request": request,
        "space": {RATE: {"low": 1e-4, "high": 0.1, "log": True}},
        "objective": {"metric": "loss", "direction": "minimize"},
        **{"trials": TRIALS, "parallel": 2, "sampler": "random", "seed": seed},
    }


@dataclass(frozen=True)
class Sweeper:
    """Repeats each request until it has a definite answer."""

    client: HttpClient
    timeline: Timeline

    def run(self, record: SweepRecord) -> SweepRecord:
        """Runs one sweep from its request to its end."""
        try:
            self._run(record)
        except GaveUp as unanswered:
            record.gave_up = True
            self.timeline.add(f"{record.key}: gave up on {unanswered}")
        return record

    def _run(self, record: SweepRecord) -> None:
        headers = {"Idempotency-Key": record.key}
        answer = self.client.ask("POST", "/v1/sweeps", json=record.body, headers=headers)
        if answer.status_code != 202:
            raise GaveUp(f"POST /v1/sweeps: {answer.status_code}: {answer.text}")
        record.sweep = answer.json()["id"]
        address = f"/v1/sweeps/{record.sweep}"
        while not (sweep := self.client.read(address))["is_terminal"]:
            time.sleep(POLL_SECONDS)
        record.trials = self.client.read(f"{address}/trials")["items"]
        record.final = sweep
