"""The memory of this machine, and the limit of a training process."""

import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


def limit(memory_bytes: int) -> None:
    """Limits the memory that this process may take from now on; 0 sets no limit.

    Call it before TensorFlow allocates memory for the job.

    The limit is RLIMIT_DATA instead of RLIMIT_AS, since datasets are only mapped, and since
    TensorFlow and CUDA reserve many times the address space that they use.
    """
    if memory_bytes:
        most = psutil.Process().memory_info().data + memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def machine_bytes() -> int:
    """The memory of this machine, or of the container or service that this process runs in."""
    return min(psutil.virtual_memory().total, *_cgroup_limits())


def _cgroup_limits() -> Iterator[int]:
    """The limits of this process's control group and its parents, for Linux cgroups v1 and v2."""
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
        with suppress(OSError, ValueError):  # the file does not exist, or holds `max`
            yield int((folder / name).read_text())
