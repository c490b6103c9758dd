"""What clients want of the service, drawn from the storm's seed."""

import random
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.chaos.load.workloads import WORKLOADS, Workload

Act = Literal["cancel", "pause"]
CANCELS, PAUSES, UPLOADS, PREDICTS = 0.15, 0.2, 0.2, 0.3


@dataclass(frozen=True)
class Scenario:
    """One job, and what its client does besides waiting."""

    key: str
    """Its Idempotency-Key, and the job's metadata."""
    workload: Workload
    seed: int
    uploads: bool
    """Sends its dataset itself, and deletes it in the end."""
    predicts: bool
    cancel_after: float | None
    """Seconds since it was accepted."""
    pause_after: float | None
    resume_after: float
    """Seconds since it was seen paused."""

    def request(self, dataset: str) -> dict[str, Any]:
        """The body of its job."""
        return {**self.workload.request(dataset, self.seed), "metadata": {"scenario": self.key}}


@dataclass
class Record:
    """What a client saw of its scenario."""

    scenario: Scenario
    job: str | None = None
    """The id it was accepted under."""
    asked: list[tuple[str, int]] = field(default_factory=list)
    """Its acts, and how each was answered."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """As they were read while the job went on."""
    last: dict[str, Any] | None = None
    """The job as it was seen terminal."""
    predictions: Any = None
    faults: list[str] = field(default_factory=list)
    gave_up: bool = False


def draw(seed: int, jobs: int, seeds: int) -> list[Scenario]:
    """As many scenarios as jobs.

    Args:
        seed: Of the storm.
        jobs: How many.
        seeds: How many different ones each workload is trained with.
    """
    chance = random.Random(f"errands {seed}")  # so that known seeds draw the same
    return [_drawn(chance, f"storm-{seed}-{number}", seeds) for number in range(jobs)]


def _drawn(chance: random.Random, key: str, seeds: int) -> Scenario:
    acts = chance.random()
    return Scenario(
        key=key,
        workload=chance.choice(WORKLOADS),
        seed=chance.randrange(seeds),
        uploads=chance.random() < UPLOADS,
        predicts=chance.random() < PREDICTS,
        cancel_after=chance.uniform(0, 8) if acts < CANCELS else None,
        pause_after=chance.uniform(0, 8) if CANCELS < acts < CANCELS + PAUSES else None,
        resume_after=chance.uniform(0, 6),
    )
