"""Failures that the supervisor reports itself, since the training process sent no result."""

import signal

from domain.errors import GraphfitError, StorageFull
from domain.job.job import JobError

STORAGE_FULL = "storage-full"
"""The `type` of a failure for lack of disk space."""


def describe_exit(exit_code: int) -> str:
    """Returns how a process ended that sent no result.

    Args:
        exit_code: Its exit status, or the negated number of the signal that ended it.
    """
    if exit_code >= 0:
        return f"ended without a result (exit status {exit_code})"
    if -exit_code == signal.SIGKILL:
        return "was killed (signal 9)"
    return f"crashed (signal {-exit_code})"


def make_death_error(exit_code: int, memory_bytes: int) -> JobError:
    """Returns the error of a job whose training processes died too often.

    Args:
        exit_code: Exit code of the last process; see `describe_exit`.
        memory_bytes: The process's memory limit; 0: no limit. TensorFlow aborts at the limit.
    """
    memory = ""
    if -exit_code == signal.SIGKILL:
        memory = "; it probably ran out of memory"
    elif -exit_code == signal.SIGABRT and memory_bytes:
        memory = f"; it probably needs more memory than {describe_limit(memory_bytes)}"
    return JobError(
        type="process-died",
        title="The training process died",
        detail=f"the training process {describe_exit(exit_code)}{memory}",
        category="infrastructure",
    )


def describe_limit(memory_bytes: int) -> str:
    """Returns the memory limit of a training process as text, with the name of its setting."""
    return f"the {memory_bytes:,} bytes that it may take (MAX_TRAINING_MEMORY_BYTES)"


def describe_unavailable_store(error: GraphfitError) -> str:
    """Returns why a job waits for a store."""
    if isinstance(error, StorageFull):
        return "no room was left to store its files"
    return "the store of files did not answer"


def make_missing_data_error(detail: str) -> JobError:
    """Returns the error of a job whose data or models were deleted; no attempt can succeed."""
    return JobError(
        type="data-missing",
        title="Data that the job needs is missing",
        detail=f"{detail} It was deleted from the store while the job needed it.",
        category="infrastructure",
    )


def make_deadline_error(seconds: float) -> JobError:
    """Returns the error of a job that ran longer than its own limit of `seconds`."""
    return JobError(
        type="deadline-exceeded",
        title="The job ran longer than its limit",
        detail=f"The job ran longer than its own `limits.seconds`, {seconds:g} seconds.",
        category="user",
        pointer="/limits/seconds",
    )


def make_longest_error(seconds: float, place: str) -> JobError:
    """Returns the error of a job that ran longer than the service allows.

    Args:
        seconds: The longest running time that the service allows.
        place: JSON Pointer to the field of the request that makes the job long.
    """
    return JobError(
        type="deadline-exceeded",
        title="The job ran longer than the service allows",
        detail=f"One job may run for {seconds:g} seconds, all attempts together "
        "(MAX_JOB_SECONDS). Train fewer epochs or a smaller model, or import a smaller file.",
        category="user",
        pointer=place,
    )
