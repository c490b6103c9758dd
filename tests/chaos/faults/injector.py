"""Strikes fault after fault, as its seed tells."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.chaos.cluster.cluster import Cluster
from tests.chaos.faults.faults import FAULTS

AT_ONCE = 3
"""Blows that may last side by side, never two on one thing."""


@dataclass(frozen=True)
class Planned:
    """One fault before it falls."""

    number: int
    name: str
    wait: float
    """Seconds after the one before it."""


@dataclass(frozen=True)
class Injected:
    """One that fell; times of the timeline."""

    name: str
    since: float
    until: float
    told: str


def plan(seed: int, pace: float) -> Iterator[Planned]:
    """Without end: each kind once in every round, in an order drawn anew."""
    chance, number = random.Random(f"plan {seed}"), 0
    while True:
        for name in chance.sample(sorted(FAULTS), len(FAULTS)):
            yield Planned(number, name, chance.uniform(0.3, 1.7) * pace)
            number += 1


class Injector:
    """Between `begin` and `end`."""

    def __init__(self, cluster: Cluster, seed: int, pace: float) -> None:
        """Takes the mean of the seconds between two faults."""
        self._cluster = cluster
        self._seed = seed
        self._pace = pace
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="injector")
        self._things = {_thing(name): threading.Lock() for name in FAULTS}
        self.struck: list[Injected] = []

    def begin(self) -> None:
        """The storm breaks."""
        self._thread.start()

    def end(self) -> None:
        """Returns when the last fault is over."""
        self._ending.set()
        self._thread.join()

    def counts(self) -> Counter[str]:
        """Blows by kind."""
        return Counter(struck.name for struck in self.struck)

    def windows(self, name: str) -> list[tuple[float, float]]:
        """When faults of a kind lasted."""
        return [(struck.since, struck.until) for struck in self.struck if struck.name == name]

    def _run(self) -> None:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for planned in plan(self._seed, self._pace):
                if self._ending.wait(planned.wait):
                    return
                threads.submit(self._strike, planned)

    def _strike(self, planned: Planned) -> None:
        timeline = self._cluster.timeline
        chance = random.Random(f"blow {self._seed} {planned.number}")  # as known seeds drew
        with self._things[_thing(planned.name)]:
            since = timeline.now()
            timeline.say(f"FAULT {planned.number}: {planned.name}")
            try:
                told = FAULTS[planned.name](self._cluster, chance)
            except Exception as error:  # of the harness: said aloud, and the storm goes on
                told = f"MISSED: {type(error).__name__}: {error}"
            timeline.say(f"fault {planned.number}: {planned.name}: {told}")
            self.struck.append(Injected(planned.name, since, timeline.now(), told))


def _thing(fault: str) -> str:
    """What it falls on: one kills and another flushes `redis`."""
    return fault.rsplit(maxsplit=1)[-1]
