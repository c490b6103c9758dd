"""Forks succeed although their forkserver is killed, and see the GPUs of their worker."""

import os
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection

import pytest

from tests.chaos.cluster.processes import find_forkserver
from worker.supervisor import launch
from worker.supervisor.launch import warm_up


@pytest.mark.slow
def test_a_forkserver_that_dies_during_a_fork_is_restarted() -> None:
    machine = warm_up()
    server = find_forkserver(os.getpid())
    assert server is not None
    server.suspend()
    with ThreadPoolExecutor(1) as threads:
        forked = threads.submit(warm_up)
        while not forked.running():
            pass
        server.kill()
        assert forked.result(120) == machine


def send_visible_gpus(connection: Connection) -> None:
    connection.send(os.environ.get("CUDA_VISIBLE_DEVICES"))


@pytest.mark.parametrize("gpus", ["-1", "", "1,3", None])
def test_a_child_sees_the_gpus_of_its_worker(
    monkeypatch: pytest.MonkeyPatch, gpus: str | None
) -> None:
    """The forkserver runs since the first case, and keeps the environment of its start."""
    if gpus is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    process, own_end = launch._start(send_visible_gpus)
    assert own_end.recv() == gpus
    process.join()
