"""What the injector can do to a cluster. Each fault is whole: what it stops, it lets go on."""

import random
import signal
import time
from collections.abc import Callable, Sequence

import psutil

from tests.chaos.cluster import processes
from tests.chaos.cluster.cluster import LEASE_SECONDS, Cluster
from tests.chaos.cluster.part import Part
from tests.chaos.faults.wakeups import call
from tests.support.postgresql import Mode

Fault = Callable[[Cluster, random.Random], str]
"""Strikes, and says whom."""
PAST_A_LEASE = (LEASE_SECONDS + 0.5, LEASE_SECONDS + 3)


def kill_training(cluster: Cluster, chance: random.Random) -> str:
    """SIGKILL for a process that trains, as when memory runs out."""
    worker = _chosen(cluster.workers, chance, at_work=True)
    return _sent(processes.forked(worker.pid or 0)[:1], signal.SIGKILL, worker)


def kill_forkserver(cluster: Cluster, chance: random.Random) -> str:
    """SIGKILL for the process from which a worker or an API forks."""
    part = _chosen([*cluster.workers, *cluster.apis], chance)
    server = processes.forkserver(part.pid or 0)
    return _sent([server] if server else [], signal.SIGKILL, part)


def kill_worker(cluster: Cluster, chance: random.Random) -> str:
    """SIGKILL for a worker alone: its children must follow by themselves."""
    return _struck(_chosen(cluster.workers, chance, at_work=True), signal.SIGKILL)


def kill_worker_whole(cluster: Cluster, chance: random.Random) -> str:
    """SIGKILL for a worker and all its children, as when its machine is gone."""
    worker = _chosen(cluster.workers, chance, at_work=True)
    family = processes.tree(worker.pid or 0)
    worker.strike(signal.SIGKILL)
    return _sent(family, signal.SIGKILL, worker)


def stop_worker(cluster: Cluster, chance: random.Random) -> str:
    """SIGTERM: it hands its job back."""
    return _struck(_chosen(cluster.workers, chance, at_work=True), signal.SIGTERM)


def kill_reaper(cluster: Cluster, chance: random.Random) -> str:
    """SIGKILL."""
    return _struck(_chosen(cluster.reapers, chance), signal.SIGKILL)


def kill_api(cluster: Cluster, chance: random.Random) -> str:
    """SIGKILL, requests under way or not."""
    return _struck(_chosen(cluster.apis, chance), signal.SIGKILL)


def stop_api(cluster: Cluster, chance: random.Random) -> str:
    """SIGTERM: it answers what is under way."""
    return _struck(_chosen(cluster.apis, chance), signal.SIGTERM)


def freeze_worker(cluster: Cluster, chance: random.Random) -> str:
    """SIGSTOP for a worker past its lease; its child hears nothing and must end itself."""
    worker = _chosen(cluster.workers, chance, at_work=True)
    return _frozen(processes.tree(worker.pid or 0)[:1], worker, chance)


def freeze_training(cluster: Cluster, chance: random.Random) -> str:
    """SIGSTOP for the process that trains, past a lease that its worker goes on renewing."""
    worker = _chosen(cluster.workers, chance, at_work=True)
    return _frozen(processes.forked(worker.pid or 0)[:1], worker, chance)


def freeze_worker_whole(cluster: Cluster, chance: random.Random) -> str:
    """SIGSTOP for both, as when a machine is paused: they wake when another has the job."""
    worker = _chosen(cluster.workers, chance, at_work=True)
    return _frozen(processes.tree(worker.pid or 0), worker, chance)


def flush_redis(cluster: Cluster, chance: random.Random) -> str:
    """FLUSHALL: calls under way are lost."""
    cluster.broker.flush()
    return "redis"


def kill_redis(cluster: Cluster, chance: random.Random) -> str:
    """SIGKILL; it comes back empty."""
    cluster.broker.kill()
    seconds = _waited(chance, 0.2, 4)
    cluster.broker.start()
    return f"redis, away for {seconds:.1f} s"


def crash_postgresql(cluster: Cluster, chance: random.Random) -> str:
    """Stops it at once, as a crash does; it recovers from its log."""
    return _restarted(cluster, chance, "immediate")


def restart_postgresql(cluster: Cluster, chance: random.Random) -> str:
    """Stops it, cutting all connections, as an upgrade does."""
    return _restarted(cluster, chance, "fast")


def fill_disk(cluster: Cluster, chance: random.Random) -> str:
    """No room for a while: not for an upload, a checkpoint or a model."""
    cluster.disk.fill()
    seconds = _waited(chance, 1, 5)
    cluster.disk.free()
    return f"for {seconds:.1f} s"


def echo_redis(cluster: Cluster, chance: random.Random) -> str:
    """Wake-up calls, each delivered twice."""
    call(cluster.broker_url, messages=3, copies=2)
    return "3 calls"


def flood_redis(cluster: Cluster, chance: random.Random) -> str:
    """Many more calls than there are jobs."""
    call(cluster.broker_url, messages=200, copies=1)
    return "200 calls"


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


def _chosen(parts: Sequence[Part], chance: random.Random, *, at_work: bool = False) -> Part:
    """One of those that live, and if possible train, just now."""
    order = chance.sample(parts, len(parts))
    if at_work:
        order.sort(key=lambda part: not processes.forked(part.pid or 0))
    return next((part for part in order if part.pid), order[0])


def _struck(part: Part, number: signal.Signals) -> str:
    return part.name if part.strike(number) else f"{part.name}, which was down"


def _sent(targets: list[psutil.Process], number: signal.Signals, part: Part) -> str:
    return part.name if processes.send(targets, number) else f"{part.name}, in vain"


def _frozen(targets: list[psutil.Process], worker: Part, chance: random.Random) -> str:
    if not processes.send(targets, signal.SIGSTOP):
        return f"{worker.name}, in vain"
    seconds = _waited(chance, *PAST_A_LEASE)
    processes.send(targets, signal.SIGCONT)
    return f"{worker.name}, for {seconds:.1f} s"


def _restarted(cluster: Cluster, chance: random.Random, mode: Mode) -> str:
    cluster.database.stop(mode)
    seconds = _waited(chance, 0.1, 3)
    cluster.database.start()
    return f"postgresql ({mode}), away for {seconds:.1f} s"


def _waited(chance: random.Random, least: float, most: float) -> float:
    """Waits a drawn time, the same for a seed whatever the machine does meanwhile."""
    seconds = chance.uniform(least, most)
    time.sleep(seconds)
    return seconds
