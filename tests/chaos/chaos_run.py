"""A fault-injection run: reference trainings, jobs under faults, checks of all invariants."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.checks import evidence as evidence_
from tests.chaos.checks.evidence import Evidence
from tests.chaos.checks.reference import References, train_references
from tests.chaos.checks.report import Report
from tests.chaos.checks.verdict import Violation, find_violations
from tests.chaos.cluster import processes
from tests.chaos.cluster.cluster import GRACE_SECONDS, POLL_SECONDS, SWEEP_SECONDS, Cluster
from tests.chaos.cluster.timeline import Timeline
from tests.chaos.faults.injector import Injector
from tests.chaos.load.answers import Answers, Circumstances
from tests.chaos.load.client import Client
from tests.chaos.load.http_client import HttpClient
from tests.chaos.load.scenarios import Record, Scenario, draw
from tests.chaos.load.sweeper import Sweeper, SweepRecord, draw_sweeps
from tests.support.service import until


@dataclass(frozen=True)
class Options:
    """The size of a run; times are in seconds."""

    jobs: int
    seed: int
    pace: float = 4.0
    """Mean time between two faults."""
    clients: int = 10
    """Clients at the same time, each with one job."""
    seeds: int = 2
    """Different seeds that each workload is trained with."""
    most_seconds: float = 3600.0
    """Time after which the injector ends, even if jobs remain."""
    rest_seconds: float = 300.0
    """Time for the remaining jobs after the last fault."""


class ChaosRun:
    """One cluster with one injector."""

    def __init__(self, options: Options, folder: Path, *, is_printed: bool) -> None:
        self.options = options
        self.timeline = Timeline(is_printed=is_printed)
        self._folder = folder
        self._answers = Answers()

    def run(self) -> Report:
        """Runs everything and returns the report."""
        scenarios = draw(self.options.seed, self.options.jobs, self.options.seeds)
        self.timeline.add(f"seed {self.options.seed}: {len(scenarios)} jobs; all in {self._folder}")
        with closing(Cluster(self._folder, self.timeline)) as cluster:
            cluster.start()
            with closing(HttpClient(cluster.apis, self._answers, self.timeline)) as client:
                references = train_references(client, ((s.workload, s.seed) for s in scenarios))
                injector = Injector(cluster, self.options.seed, self.options.pace)
                options = self.options
                sweeps = draw_sweeps(options.seed, options.jobs, references.datasets)
                records = self._run_clients(
                    cluster, client, injector, references, scenarios, sweeps
                )
                found = self._gather(cluster, client, injector, references, records, sweeps)
                broken = [*find_violations(found), *self._stop(cluster)]
        return Report(self.options.seed, found, broken, injector, self.timeline, cluster.logs)

    def _run_clients(
        self,
        cluster: Cluster,
        client: HttpClient,
        injector: Injector,
        references: References,
        scenarios: list[Scenario],
        sweeps: list[SweepRecord],
    ) -> list[Record]:
        runner = Client(client, self.timeline, references.datasets)
        self.timeline.add("the faults begin")
        began = self.timeline.now()
        injector.begin()
        sweeper = Sweeper(client, self.timeline)
        with (
            ThreadPoolExecutor(self.options.clients) as threads,
            ThreadPoolExecutor(max(1, len(sweeps))) as others,
        ):
            searching = [others.submit(sweeper.run, sweep) for sweep in sweeps]
            under_way = [threads.submit(runner.run, scenario) for scenario in scenarios]
            try:
                with suppress(TimeoutError):
                    until(
                        lambda: _are_done(under_way, searching) or None,
                        "the scenarios",
                        self.options.most_seconds,
                        POLL_SECONDS,
                    )
            finally:
                injector.end()
                client.deadline = self.timeline.now() + self.options.rest_seconds
            self.timeline.add(f"the last fault is over after {self.timeline.now() - began:.0f} s")
            cluster.repair()
            return [run.result() for run in under_way]

    def _gather(
        self,
        cluster: Cluster,
        client: HttpClient,
        injector: Injector,
        references: References,
        records: list[Record],
        sweeps: list[SweepRecord],
    ) -> Evidence:
        """Gathers the evidence once the sweep and ending processes have had time."""
        seconds = GRACE_SECONDS + 5 * SWEEP_SECONDS + 10
        with suppress(TimeoutError):
            until(lambda: _is_tidy(cluster) or None, "the sweep", seconds, POLL_SECONDS)
        self.timeline.add("gathering the evidence")
        circumstances = Circumstances(
            full=injector.windows("fill disk"),
            apis={api.name: api for api in cluster.apis},
        )
        return evidence_.gather(
            cluster, client, records, references, circumstances, self._answers, sweeps
        )

    def _stop(self, cluster: Cluster) -> list[Violation]:
        """Stops every part; a part or process that still runs is a violation."""
        invariant = "the service stops"
        found = [Violation(invariant, name, "did not end after SIGTERM") for name in cluster.stop()]
        with suppress(TimeoutError):
            until(
                lambda: not processes.find_marked(cluster.mark) or None, "the end", 10, POLL_SECONDS
            )
        left = [processes.describe(process) for process in processes.find_marked(cluster.mark)]
        return found + [
            Violation(invariant, process, "still runs after the service was stopped")
            for process in left
        ]


def _are_done(*groups: Sequence[Future[Any]]) -> bool:
    return all(run.done() for group in groups for run in group)


def _is_tidy(cluster: Cluster) -> bool:
    store = evidence_.store(cluster)
    return store.kept == store.named and not evidence_.strays(cluster)
