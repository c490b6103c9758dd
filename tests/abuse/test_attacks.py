"""One client's attacks do not make another client wait, and the API frees its memory."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.abuse.attack_traffic import ATTACKS, Targets, attacked, measure_neighbour
from tests.abuse.connection_attacks import CONNECTION_ATTACKS, build_targets
from tests.abuse.processor_time import measure_processor_time
from tests.support.service import Service, until

pytestmark = pytest.mark.slow
SECONDS = 10
MOST_PROCESSOR_SECONDS = 0.5
"""The longest median of the processor time of the API's event loop before it answers another
client. It does not depend on other work of the machine; without an attack it is about 0.003 s."""
GROWTH_BYTES = 200 * 2**20
LONGEST = 2.0
"""The longest median of another client's requests, in seconds; a server that is blocked takes
longer. `benchmarks/attacks.py` measures the real times."""


@pytest.fixture(scope="module")
def attacked_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("attacks"))
    yield service
    service.stop()


@pytest.fixture(scope="module")
def targets(attacked_service: Service) -> Targets:
    targets = Targets.build(attacked_service)
    measure_neighbour(targets, 2)
    return targets


@pytest.mark.parametrize("name", ATTACKS)
def test_another_client_is_answered_during_an_attack(
    attacked_service: Service, targets: Targets, name: str
) -> None:
    api: psutil.Process = attacked_service.part("api")
    before = api.memory_info().rss
    with attacked(targets, ATTACKS[name]):
        times = measure_neighbour(targets, SECONDS)
    for path, seconds in times.items():
        assert np.quantile(seconds, 0.9) < LONGEST, path
    until(lambda: api.memory_info().rss - before < GROWTH_BYTES or None, "the memory of the API")


@pytest.fixture(scope="module")
def service_with_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = Service(tmp_path_factory.mktemp("keys"), AUTH="keys")
    yield service
    service.stop()


@pytest.fixture(scope="module")
def keyed_targets(service_with_keys: Service) -> Targets:
    targets = build_targets(service_with_keys)
    measure_neighbour(targets, 2)
    return targets


@pytest.mark.parametrize("name", CONNECTION_ATTACKS)
def test_many_connections_of_one_key_do_not_occupy_the_event_loop(
    service_with_keys: Service, keyed_targets: Targets, name: str
) -> None:
    attack, threads = CONNECTION_ATTACKS[name]
    pid = service_with_keys.part("api").pid
    with attacked(keyed_targets, attack, threads):
        times = measure_neighbour(keyed_targets, SECONDS, lambda: measure_processor_time(pid))
    for kind, seconds in times.items():
        assert np.median(seconds) < MOST_PROCESSOR_SECONDS, kind


def test_uploads_are_taken_while_others_trickle(
    attacked_service: Service, targets: Targets, tmp_path: Path
) -> None:
    with attacked(targets, ATTACKS["trickling uploads"]):
        until(lambda: _upload(attacked_service), "a free place for an upload")


def _upload(service: Service) -> bool | None:
    answer = service.client.post("/v1/datasets", json={"columns": {"x": [1, 2]}})
    assert answer.status_code in (201, 503), answer.text
    return answer.status_code == 201 or None
