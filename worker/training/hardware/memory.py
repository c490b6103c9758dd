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


def get_machine_bytes() -> int:
    """Returns the memory in bytes of this machine, or of the container or service around it."""
    return min(psutil.virtual_memory().total, *_find_cgroup_limits())


def _find_cgroup_limits() -> Iterator[int]:
    """Yields the limits of this process's control group and its parents (cgroups v1 and v2)."""
    if not OWN_GROUPS.exists():
        return
    for line in OWN_GROUPS.read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        if controllers in ("", "memory"):
            root = CGROUPS / controllers
            group = root / own.lstrip("/")
            for folder in (group, *group.parents):
                if folder.is_relative_to(root):
                    yield from _read_limits(folder)


def _read_limits(folder: Path) -> Iterator[int]:
    for name in ("memory.max", "memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # the file does not exist, or contains `max`
            yield int((folder / name).read_text())
