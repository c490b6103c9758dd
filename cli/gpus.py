"""Shares the GPUs of this machine out among the workers of `graphfit serve`."""

from itertools import pairwise

from cli.part import Fork
from worker import visible_gpus
from worker.training.hardware import cuda

NONE = "-1"
"""The value of `CUDA_VISIBLE_DEVICES` that hides every GPU."""


def share_gpus(workers: int) -> list[str | None]:
    """Gives each GPU to one worker.

    Returns:
        The value of `CUDA_VISIBLE_DEVICES` for each worker; None leaves the variable as it is. With
        more workers than GPUs, the last workers use the CPU.
    """
    if workers == 1:
        return [None]
    gpus = _list_gpus()
    if not gpus:
        return [None] * workers
    return [",".join(share) or NONE for share in divide(gpus, workers)]


def divide(gpus: list[str], workers: int) -> list[list[str]]:
    """Divides a list into neighbouring parts whose lengths differ by at most one."""
    size, more = divmod(len(gpus), workers)
    ends = [size * number + min(number, more) for number in range(workers + 1)]
    return [gpus[start:end] for start, end in pairwise(ends)]


def _list_gpus() -> list[str]:
    """Lists the GPUs of this process as `CUDA_VISIBLE_DEVICES` names them.

    A child process asks the driver, since forks of a process that has asked it cannot use a GPU.
    """
    count = max(0, Fork("gpus", cuda.count_gpus).wait())
    visible = visible_gpus.read()
    names = map(str, range(count)) if visible is None else visible.split(",")
    return list(names)[:count]
