"""The scenarios of the clients, which the run's seed decides."""

import random
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.load.workloads import WORKLOADS, Workload

CANCELS, PAUSES, UPLOADS, PREDICTS, IMPORTS, INFERS = 0.15, 0.2, 0.2, 0.3, 0.3, 0.3
"""The probability that the client of a scenario does this."""


@dataclass(frozen=True)
class Scenario:
    """One job, and what its client does while the job runs."""

    key: str
    """The `Idempotency-Key` of its requests, also kept in the job's metadata."""
    workload: Workload
    seed: int
    uploads: bool
    """Whether the client uploads a dataset of its own and deletes it at the end."""
    predicts: bool
    cancel_after: float | None
    """Seconds from the acceptance of the job to this request; None for no request."""
    pause_after: float | None
    resume_after: float
    """Seconds from the first poll that shows the job paused to the request to resume it."""
    imports: bool
    """Whether the client sends its dataset in parts, and imports it by a job."""
    infers: bool
    """Whether the client evaluates and predicts over its dataset with the model, by jobs."""

    def request(self, dataset: str) -> dict[str, Any]:
        """The body of `POST /v1/jobs`."""
        return {**self.workload.request(dataset, self.seed), "metadata": {"scenario": self.key}}


@dataclass
class Record:
    """What a client has observed of one scenario."""

    scenario: Scenario
    job: str | None = None
    """The job's id; None if the job was never accepted."""
    import_job: str | None = None
    """The id of the job that imported the dataset; None if the client imported none."""
    actions: list[tuple[str, int]] = field(default_factory=list)
    """The actions of the client, each with the status of its answer."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """The events that the client read while the job ran."""
    final: dict[str, Any] | None = None
    """The job as the client first saw it in a terminal state."""
    predictions: Any = None
    inference_jobs: dict[str, str] = field(default_factory=dict)
    """The ids of the jobs that evaluate and predict, by kind."""
    inferred: dict[str, Any] = field(default_factory=dict)
    """The metrics of the one, and the sha256 of the dataset of the other, by kind."""
    errors: list[str] = field(default_factory=list)
    gave_up: bool = False

    def list_more_jobs(self) -> list[tuple[str, str]]:
        """The jobs besides the training, each with its kind."""
        imported = [] if self.import_job is None else [("import", self.import_job)]
        return [*imported, *self.inference_jobs.items()]


def draw(seed: int, jobs: int, seeds: int) -> list[Scenario]:
    """Draws one scenario for each job.

    Args:
        seed: The seed of the run.
        jobs: The number of jobs.
        seeds: The number of different seeds that each workload is trained with.
    """
    chance = random.Random(f"errands {seed}")  # the text is fixed: a seed repeats its run
    return [_draw_scenario(chance, f"chaos-{seed}-{number}", seeds) for number in range(jobs)]


def _draw_scenario(chance: random.Random, key: str, seeds: int) -> Scenario:
    action = chance.random()
    return Scenario(
        key=key,
        workload=chance.choice(WORKLOADS),
        seed=chance.randrange(seeds),
        uploads=chance.random() < UPLOADS,
        predicts=chance.random() < PREDICTS,
        cancel_after=chance.uniform(0, 8) if action < CANCELS else None,
        pause_after=chance.uniform(0, 8) if CANCELS < action < CANCELS + PAUSES else None,
        resume_after=chance.uniform(0, 6),
        imports=chance.random() < IMPORTS,
        infers=chance.random() < INFERS,
    )
