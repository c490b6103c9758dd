"""The faults that the injector can cause. Each fault continues or restarts what it has stopped."""

import random
import signal
import time
from collections.abc import Callable, Sequence

import psutil

from tests.chaos.cluster import processes
from tests.chaos.cluster.cluster import LEASE_SECONDS, Cluster
from tests.chaos.cluster.part import Part
from tests.chaos.faults.wakeups import send_wakeups
from tests.support.servers.postgresql import Mode

Fault = Callable[[Cluster, random.Random], str]
"""Causes the fault and returns a description of its target."""
PAST_A_LEASE = (LEASE_SECONDS + 0.5, LEASE_SECONDS + 3)
"""Shortest and longest time in seconds for which a process is stopped."""


def kill_training(cluster: Cluster, chance: random.Random) -> str:
    """Sends SIGKILL to a training process, as Linux does if memory runs out."""
    worker = _choose(cluster.workers, chance, at_work=True)
    return _send(processes.find_forks(worker.pid or 0)[:1], signal.SIGKILL, worker)


def kill_forkserver(cluster: Cluster, chance: random.Random) -> str:
    """Sends SIGKILL to the forkserver of a worker or an API."""
    part = _choose([*cluster.workers, *cluster.apis], chance)
    server = processes.find_forkserver(part.pid or 0)
    return _send([server] if server else [], signal.SIGKILL, part)


def kill_worker(cluster: Cluster, chance: random.Random) -> str:
    """Sends SIGKILL to a worker alone; its children must end by themselves."""
    return _kill(_choose(cluster.workers, chance, at_work=True), signal.SIGKILL)


def kill_worker_whole(cluster: Cluster, chance: random.Random) -> str:
    """Sends SIGKILL to a worker and all its children, as if its machine had failed."""
    worker = _choose(cluster.workers, chance, at_work=True)
    family = processes.find_tree(worker.pid or 0)
    worker.kill(signal.SIGKILL)
    return _send(family, signal.SIGKILL, worker)


def stop_worker(cluster: Cluster, chance: random.Random) -> str:
    """Sends SIGTERM to a worker, which then releases its job."""
    return _kill(_choose(cluster.workers, chance, at_work=True), signal.SIGTERM)


def kill_reaper(cluster: Cluster, chance: random.Random) -> str:
    """Sends SIGKILL to a reaper."""
    return _kill(_choose(cluster.reapers, chance), signal.SIGKILL)


def kill_api(cluster: Cluster, chance: random.Random) -> str:
    """Sends SIGKILL to an API, which may be answering requests."""
    return _kill(_choose(cluster.apis, chance), signal.SIGKILL)


def stop_api(cluster: Cluster, chance: random.Random) -> str:
    """Sends SIGTERM to an API, which first answers the requests that it has received."""
    return _kill(_choose(cluster.apis, chance), signal.SIGTERM)


def freeze_worker(cluster: Cluster, chance: random.Random) -> str:
    """Stops a worker for longer than its lease; its training process must end by itself."""
    worker = _choose(cluster.workers, chance, at_work=True)
    return _freeze(processes.find_tree(worker.pid or 0)[:1], worker, chance)


def freeze_training(cluster: Cluster, chance: random.Random) -> str:
    """Stops a training process for longer than a lease, which its worker keeps renewing."""
    worker = _choose(cluster.workers, chance, at_work=True)
    return _freeze(processes.find_forks(worker.pid or 0)[:1], worker, chance)


def freeze_worker_whole(cluster: Cluster, chance: random.Random) -> str:
    """Stops a worker and its children until another worker may have the job."""
    worker = _choose(cluster.workers, chance, at_work=True)
    return _freeze(processes.find_tree(worker.pid or 0), worker, chance)


def flush_redis(cluster: Cluster, chance: random.Random) -> str:
    """Sends FLUSHALL to Redis, so that queued messages are lost."""
    cluster.broker.flush()
    return "redis"


def kill_redis(cluster: Cluster, chance: random.Random) -> str:
    """Sends SIGKILL to Redis, which is empty after its restart."""
    cluster.broker.kill()
    seconds = _wait(chance, 0.2, 4)
    cluster.broker.start()
    return f"redis, away for {seconds:.1f} s"


def crash_postgresql(cluster: Cluster, chance: random.Random) -> str:
    """Stops PostgreSQL at once, as a crash does; it recovers from its log."""
    return _restart(cluster, chance, "immediate")


def restart_postgresql(cluster: Cluster, chance: random.Random) -> str:
    """Stops PostgreSQL, which closes all connections, as an upgrade does."""
    return _restart(cluster, chance, "fast")


def fill_disk(cluster: Cluster, chance: random.Random) -> str:
    """Fills the disk for some seconds, so that no file can be written."""
    cluster.disk.fill()
    seconds = _wait(chance, 1, 5)
    cluster.disk.free()
    return f"for {seconds:.1f} s"


def echo_redis(cluster: Cluster, chance: random.Random) -> str:
    """Sends wake messages, each of which is delivered twice."""
    send_wakeups(cluster.broker_url, messages=3, copies=2)
    return "3 messages"


def flood_redis(cluster: Cluster, chance: random.Random) -> str:
    """Sends many more wake messages than there are jobs."""
    send_wakeups(cluster.broker_url, messages=200, copies=1)
    return "200 messages"


FAULTS: dict[str, Fault] = {
    fault.__name__.replace("_", " "): fault
    for fault in (
        kill_training,
        kill_forkserver,
        kill_worker,
        kill_worker_whole,
        stop_worker,
        kill_reaper,
        kill_api,
        stop_api,
        freeze_worker,
        freeze_training,
        freeze_worker_whole,
        flush_redis,
        kill_redis,
        crash_postgresql,
        restart_postgresql,
        fill_disk,
        echo_redis,
        flood_redis,
    )
}


def _choose(parts: Sequence[Part], chance: random.Random, *, at_work: bool = False) -> Part:
    """Chooses a part that runs, if possible one that trains if `at_work` is set."""
    parts_in_order = chance.sample(parts, len(parts))
    if at_work:
        parts_in_order.sort(key=lambda part: not processes.find_forks(part.pid or 0))
    return next((part for part in parts_in_order if part.pid), parts_in_order[0])


def _kill(part: Part, number: signal.Signals) -> str:
    return part.name if part.kill(number) else f"{part.name}, which was down"


def _send(targets: list[psutil.Process], number: signal.Signals, part: Part) -> str:
    return part.name if processes.send(targets, number) else f"{part.name}, without such a process"


def _freeze(targets: list[psutil.Process], worker: Part, chance: random.Random) -> str:
    if not processes.send(targets, signal.SIGSTOP):
        return f"{worker.name}, without such a process"
    seconds = _wait(chance, *PAST_A_LEASE)
    processes.send(targets, signal.SIGCONT)
    return f"{worker.name}, for {seconds:.1f} s"


def _restart(cluster: Cluster, chance: random.Random, mode: Mode) -> str:
    cluster.database.stop(mode)
    seconds = _wait(chance, 0.1, 3)
    cluster.database.start()
    return f"postgresql ({mode}), away for {seconds:.1f} s"


def _wait(chance: random.Random, least: float, most: float) -> float:
    """Waits for a random time in seconds that the seed alone decides, and returns it."""
    seconds = chance.uniform(least, most)
    time.sleep(seconds)
    return seconds
