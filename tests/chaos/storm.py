"""A storm, from the calm before it to the verdict after it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.checks import evidence as evidence_
from tests.chaos.checks.evidence import Evidence
from tests.chaos.checks.reference import References, undisturbed
from tests.chaos.checks.report import Report
from tests.chaos.checks.verdict import Violation, violations
from tests.chaos.cluster import processes
from tests.chaos.cluster.cluster import GRACE_SECONDS, SWEEP_SECONDS, Cluster, until
from tests.chaos.cluster.timeline import Timeline
from tests.chaos.faults.injector import Injector
from tests.chaos.load.answers import Answers, Circumstances
from tests.chaos.load.client import Client
from tests.chaos.load.http_client import HttpClient
from tests.chaos.load.scenarios import Record, Scenario, draw


@dataclass(frozen=True)
class Options:
    """How large a storm is."""

    jobs: int
    seed: int
    pace: float = 4.0
    """Mean seconds between two faults."""
    clients: int = 10
    """Clients at once, each with one job."""
    seeds: int = 2
    """Different ones that each workload is trained with."""
    storm_seconds: float = 3600.0
    """After which the injector ends, whatever is not done."""
    calm_seconds: float = 300.0
    """For what is left after that."""


class Storm:
    """One cluster, one injector, one verdict."""

    def __init__(self, options: Options, folder: Path, *, aloud: bool) -> None:
        self.options = options
        self.timeline = Timeline(aloud=aloud)
        self._folder = folder
        self._answers = Answers()

    def run(self) -> Report:
        """All of it."""
        scenarios = draw(self.options.seed, self.options.jobs, self.options.seeds)
        self.timeline.say(f"seed {self.options.seed}: {len(scenarios)} jobs; all in {self._folder}")
        with closing(Cluster(self._folder, self.timeline)) as cluster:
            cluster.start()
            with closing(HttpClient(cluster.apis, self._answers, self.timeline)) as client:
                references = undisturbed(client, ((e.workload, e.seed) for e in scenarios))
                injector = Injector(cluster, self.options.seed, self.options.pace)
                records = self._weathered(cluster, client, injector, references, scenarios)
                found = self._judged(cluster, client, injector, references, records)
                broken = [*violations(found), *self._stopped(cluster)]
        return Report(self.options.seed, found, broken, injector, self.timeline, cluster.logs)

    def _weathered(
        self,
        cluster: Cluster,
        client: HttpClient,
        injector: Injector,
        references: References,
        scenarios: list[Scenario],
    ) -> list[Record]:
        user = Client(client, self.timeline, references.datasets)
        self.timeline.say("the storm begins")
        began = self.timeline.now()
        injector.begin()
        with ThreadPoolExecutor(self.options.clients) as threads:
            under_way = [threads.submit(user.run, scenario) for scenario in scenarios]
            try:
                with suppress(TimeoutError):
                    until(
                        lambda: all(scenario.done() for scenario in under_way),
                        "the scenarios",
                        self.options.storm_seconds,
                    )
            finally:
                injector.end()
                client.deadline = self.timeline.now() + self.options.calm_seconds
            self.timeline.say(f"the storm is over after {self.timeline.now() - began:.0f} s")
            cluster.heal()
            return [scenario.result() for scenario in under_way]

    def _judged(
        self,
        cluster: Cluster,
        client: HttpClient,
        injector: Injector,
        references: References,
        records: list[Record],
    ) -> Evidence:
        """Once the sweep and dying processes have had their time."""
        patience = GRACE_SECONDS + 5 * SWEEP_SECONDS + 10
        with suppress(TimeoutError):
            until(lambda: _is_tidy(cluster), "the sweep", patience)
        self.timeline.say("looking at what is left")
        circumstances = Circumstances(
            full=injector.windows("fill disk"),
            apis={api.name: api for api in cluster.apis},
        )
        return evidence_.gathered(
            cluster, client, records, references, circumstances, self._answers
        )

    def _stopped(self, cluster: Cluster) -> list[Violation]:
        """What is alive after a soft stop of every part."""
        law = "the service stops"
        found = [Violation(law, name, "did not stop when told to") for name in cluster.stop()]
        with suppress(TimeoutError):
            until(lambda: not processes.marked(cluster.mark), "the last process", 10)
        left = [processes.described(process) for process in processes.marked(cluster.mark)]
        return found + [Violation(law, process, "outlives the service") for process in left]


def _is_tidy(cluster: Cluster) -> bool:
    store = evidence_.store(cluster)
    return store.kept == store.named and not evidence_.strays(cluster)
