"""Causes one fault after the other, in an order that its seed decides."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.chaos.cluster.cluster import Cluster
from tests.chaos.faults.faults import FAULTS

AT_ONCE = 3
"""Faults that may last at the same time; no two of them have the same target."""


@dataclass(frozen=True)
class Planned:
    """A fault that is yet to be caused."""

    number: int
    name: str
    wait: float
    """Seconds after the start of the previous fault."""


@dataclass(frozen=True)
class Injected:
    """A fault that was caused; times are those of the timeline."""

    name: str
    since: float
    until: float
    result: str


def plan(seed: int, pace: float) -> Iterator[Planned]:
    """Draws faults without end: each round has every fault once, in a new order."""
    chance, number = random.Random(f"plan {seed}"), 0
    while True:
        for name in chance.sample(sorted(FAULTS), len(FAULTS)):
            yield Planned(number, name, chance.uniform(0.3, 1.7) * pace)
            number += 1


class Injector:
    """Causes faults in threads from `begin` to `end`."""

    def __init__(self, cluster: Cluster, seed: int, pace: float) -> None:
        """Makes an injector.

        Args:
            cluster: The target.
            seed: Decides the faults, their order and their times.
            pace: The mean time in seconds between two faults.
        """
        self._cluster = cluster
        self._seed = seed
        self._pace = pace
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="injector")
        self._targets = {_target_of(name): threading.Lock() for name in FAULTS}
        self.injected: list[Injected] = []

    def begin(self) -> None:
        """Starts to cause faults."""
        self._thread.start()

    def end(self) -> None:
        """Causes no further fault, and returns when the last one has ended."""
        self._ending.set()
        self._thread.join()

    def counts(self) -> Counter[str]:
        """The number of faults by name."""
        return Counter(fault.name for fault in self.injected)

    def windows(self, name: str) -> list[tuple[float, float]]:
        """The times during which faults of one name lasted."""
        return [(fault.since, fault.until) for fault in self.injected if fault.name == name]

    def _run(self) -> None:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            for planned in plan(self._seed, self._pace):
                if self._ending.wait(planned.wait):
                    return
                threads.submit(self._inject, planned)

    def _inject(self, planned: Planned) -> None:
        timeline = self._cluster.timeline
        # The text is fixed, so that a seed repeats its run.
        chance = random.Random(f"blow {self._seed} {planned.number}")
        with self._targets[_target_of(planned.name)]:
            since = timeline.now()
            timeline.add(f"FAULT {planned.number}: {planned.name}")
            try:
                result = FAULTS[planned.name](self._cluster, chance)
            except Exception as error:  # of the harness; the run continues
                result = f"MISSED: {type(error).__name__}: {error}"
            timeline.add(f"fault {planned.number}: {planned.name}: {result}")
            self.injected.append(Injected(planned.name, since, timeline.now(), result))


def _target_of(fault: str) -> str:
    """The last word of a fault's name: faults with the same target exclude each other."""
    return fault.rsplit(maxsplit=1)[-1]
