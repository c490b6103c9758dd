"""`graphfit serve` imports Keras in one forkserver for all parts, and replaces a killed one."""

from itertools import count
from pathlib import Path

import numpy as np
import pytest

from tests.support.engines import Engine
from tests.support.service import Service, has_tensorflow, until

GRAPH = {
    "inputs": [{"name": "x", "shape": [2]}],
    "nodes": [{"name": "y", "layer": {"type": "Dense", "config": {"units": 1}}, "inputs": "x"}],
    "outputs": ["y"],
}

UNITS = count(2)


def train(service: Service) -> None:
    x = np.ones((8, 2))
    dataset = service.dataset({"x": x, "y": x[:, 0]})
    service.trained(graph=GRAPH, dataset=dataset, compile={"loss": "mse"}, seed=1)


def check_graph(service: Service) -> bool | None:
    """True if a new graph was checked; None if the client should repeat the request."""
    layer = {"type": "Dense", "config": {"units": next(UNITS)}}
    definition = {**GRAPH, "nodes": [{"name": "y", "layer": layer, "inputs": "x"}]}
    answer = service.client.post("/v1/graphs?validate_only=true", json={"definition": definition})
    assert answer.status_code in (200, 503), answer.text
    return answer.status_code == 200 or None


def test_the_parts_share_one_forkserver(service: Service) -> None:
    (forkserver,) = service.forkservers()
    for name in ("api", "worker", "reaper"):
        part = service.part(name)
        assert part.ppid() == service.process.pid
        assert not has_tensorflow(part)
        assert not any(
            "multiprocessing.forkserver" in " ".join(p.cmdline()) for p in part.children()
        )
    assert forkserver.ppid() == service.process.pid
    train(service)
    assert service.forkservers() == [forkserver]


@pytest.mark.slow
def test_a_forkserver_that_is_killed_is_replaced_for_all_parts(
    engine: Engine, tmp_path: Path
) -> None:
    service = engine.service(tmp_path)
    try:
        (first,) = service.forkservers()
        for _ in range(2):  # the second kill comes soon after the start
            (running,) = until(lambda: service.forkservers() or None, "a forkserver")
            running.kill()
            until(lambda: check_graph(service), "a check by the new forkserver")
        (last,) = service.forkservers()
        assert last.pid not in (first.pid, running.pid)
        train(service)
        assert service.client.get("/readyz").status_code == 200
    finally:
        service.stop()
    assert not first.is_running()
    assert not last.is_running()
