"""The memory of a training process: what there is, and what it may take."""

import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


def bound(memory_bytes: int) -> None:
    """Let this process take so much more than it has; 0 sets no bound.

    Called before TensorFlow has taken any for the job.

    RLIMIT_DATA and not RLIMIT_AS: datasets are mapped, not taken, and what TensorFlow and CUDA
    only reserve is many times what they use.
    """
    if memory_bytes:
        most = psutil.Process().memory_info().data + memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def machine_bytes() -> int:
    """The memory of this machine, or of the container or service that this process runs in."""
    return min(psutil.virtual_memory().total, *_cgroup_limits())


def _cgroup_limits() -> Iterator[int]:
    """Of this process's control group and those around it, in either version of Linux's."""
    if not OWN_GROUPS.exists():
        return
    for line in OWN_GROUPS.read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        if controllers in ("", "memory"):
            root = CGROUPS / controllers
            group = root / own.lstrip("/")
            for folder in (group, *group.parents):
                if folder.is_relative_to(root):
                    yield from _limit(folder)


def _limit(folder: Path) -> Iterator[int]:
    for name in ("memory.max", "memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # not there, or `max`
            yield int((folder / name).read_text())
