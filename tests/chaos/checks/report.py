"""Reports a run, and the faults around each violation."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.checks.evidence import Evidence, Json
from tests.chaos.checks.verdict import Violation
from tests.chaos.cluster.timeline import Timeline
from tests.chaos.faults.injector import Injector

AROUND_SECONDS = 2.0
MOST_EXPLAINED = 20
"""Jobs with a violation of which the report lists the transitions."""


@dataclass(frozen=True)
class Report:
    """The result of one run as text."""

    seed: int
    evidence: Evidence
    violations: list[Violation]
    injector: Injector
    timeline: Timeline
    logs: Path

    def lines(self) -> Iterator[str]:
        """Yields the lines of the report."""
        yield from self._summary()
        yield from self._traces()
        for violation in self.violations:
            yield f"VIOLATION {violation}"
        explained: set[str] = set()
        for violation in self.violations:
            job = self._job_of(violation)
            if job is not None and job["id"] not in explained and len(explained) < MOST_EXPLAINED:
                explained.add(job["id"])
                yield from self._history_of(job)
        yield f"seed {self.seed}: {len(self.violations)} violations"

    def _summary(self) -> Iterator[str]:
        jobs = list(self.evidence.jobs.values())
        faults = self.injector.counts()
        yield f"seed {self.seed}, {len(self.evidence.records)} jobs"
        yield f"duration: {self.timeline.now():.0f} s"
        yield f"faults: {faults.total()}: {_listed(faults)}"
        yield f"jobs: {_listed(Counter(job['state'] for job in jobs))}"
        yield f"attempts: {_listed(Counter(job['attempt'] for job in jobs))}"
        yield f"answers: {_listed(self.evidence.answers.counts())}"
        yield f"requeued: {_listed(_reasons(jobs))}"

    def _traces(self) -> Iterator[str]:
        """Yields the tracebacks in the logs of the parts."""
        for log in sorted(self.logs.glob("*.log")):
            for line, count in _errors(log).most_common():
                yield f"traceback in {log.name}, {count} times: {line}"

    def _job_of(self, violation: Violation) -> Json | None:
        text = f"{violation.subject} {violation.detail}"
        return next((job for id_, job in self.evidence.jobs.items() if id_ in text), None)

    def _history_of(self, job: Json) -> Iterator[str]:
        """Yields the transitions of a job and all entries of the timeline around them."""
        steps = [
            (self.timeline.seconds_of(step["at"]), f"    {step['state']}: {step['reason']}")
            for step in job["transitions"]
        ]
        since, until = steps[0][0] - AROUND_SECONDS, steps[-1][0] + AROUND_SECONDS
        moments = [(moment.at, moment.what) for moment in self.timeline.between(since, until)]
        yield f"{job['id']}:"
        for at, what in sorted(steps + moments):
            yield f"  {at:8.2f} s  {what}"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items(), key=str))


def _reasons(jobs: list[Json]) -> Counter[str]:
    return Counter(
        step["reason"]
        for job in jobs
        for before, step in zip(job["transitions"], job["transitions"][1:], strict=False)
        if step["state"] == "queued" and before["state"] != "paused"
    )


def _errors(log: Path) -> Counter[str]:
    """The last line of each traceback, with the number of times."""
    found: Counter[str] = Counter()
    inside = False
    for line in log.read_text(errors="replace").splitlines():
        if line.startswith("Traceback"):
            inside = True
        elif inside and line and not line.startswith(" "):
            inside = False
            found[line[:160]] += 1
    return found
