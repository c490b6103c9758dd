"""Forks succeed although their forkserver is killed."""

import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.chaos.cluster.processes import find_forkserver
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
