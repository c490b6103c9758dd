"""The times of a client's requests while another client attacks the service.

Each attack of `tests/abuse/attack_traffic.py` runs for some seconds beside a client that asks for
`/healthz`, a job, a list and a small prediction. The 99th percentile of each is at most 0.1 s, and
the memory of the API afterwards at most 100 MiB more than before. The attacks of
`tests/abuse/connection_attacks.py` come from one client with a key. The yardstick is the same
client without an attack.
"""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.table import show
from tests.abuse.attack_traffic import ATTACKS, Attack, Targets, attacked, measure_neighbour
from tests.abuse.connection_attacks import CONNECTION_ATTACKS, build_targets
from tests.abuse.processor_time import measure_processor_time
from tests.support.service import Service

GOAL_SECONDS = 0.1
GOAL_MIB = 100
MIB = 2**20


def main(seconds: float = 15) -> None:
    """Print a table for each attack, and one line of JSON."""
    attacks = {title: (attack, 2) for title, attack in ATTACKS.items()}
    figures = _measure_all(Targets.build, attacks, seconds, {})
    keyed = _measure_all(build_targets, CONNECTION_ATTACKS, seconds, {"AUTH": "keys"})
    figures |= {f"{title}, with keys": rows for title, rows in keyed.items()}
    for title, rows in figures.items():
        show(title, list(rows.items()))
    print(json.dumps({"attacks": figures, "goal_seconds": GOAL_SECONDS, "goal_mib": GOAL_MIB}))


def _measure_all(
    build: Callable[[Service], Targets],
    attacks: dict[str, tuple[Attack, int]],
    seconds: float,
    settings: dict[str, str],
) -> dict[str, dict[str, float]]:
    """Returns the figures of each attack on one service."""
    with tempfile.TemporaryDirectory() as name:
        service = Service(Path(name), **settings)
        try:
            targets = build(service)
            figures = {"no attack": _measure(service, targets, seconds)}
            for title, (attack, threads) in attacks.items():
                with attacked(targets, attack, threads):
                    figures[title] = _measure(service, targets, seconds)
                figures[title]["grown MiB"] = _get_memory(service) - figures["no attack"]["MiB"]
        finally:
            service.stop()
    return figures


def _measure(service: Service, targets: Targets, seconds: float) -> dict[str, float]:
    times = measure_neighbour(targets, seconds)
    figures = {f"{name} p99, seconds": float(np.quantile(t, 0.99)) for name, t in times.items()}
    pid = service.part("api").pid
    computed = measure_neighbour(targets, seconds, lambda: measure_processor_time(pid))
    figures["longest, seconds"] = max(map(max, times.values()))
    figures["longest, processor seconds of the event loop"] = max(map(max, computed.values()))
    return {**figures, "requests": sum(map(len, times.values())), "MiB": _get_memory(service)}


def _get_memory(service: Service) -> float:
    return float(service.part("api").memory_info().rss / MIB)


if __name__ == "__main__":
    main()
