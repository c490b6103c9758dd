"""How attempts end that had no last word of their own, in words for the client."""

import signal

from domain.errors import GraphfitError, StorageFull
from domain.job.job import JobError

STORAGE_FULL = "storage-full"


def ended(exit_code: int) -> str:
    """How a process ended that said nothing more, by its exit status or signal."""
    if exit_code >= 0:
        return f"ended without a word (exit status {exit_code})"
    if -exit_code == signal.SIGKILL:
        return "was killed (signal 9)"
    return f"crashed (signal {-exit_code})"


def killed(exit_code: int, memory_bytes: int) -> JobError:
    """The failure of a job whose processes keep dying.

    Args:
        exit_code: Of the last one.
        memory_bytes: What it was allowed; TensorFlow aborts where it gets no more. 0: no bound.
    """
    memory = ""
    if -exit_code == signal.SIGKILL:
        memory = "; it probably ran out of memory"
    elif -exit_code == signal.SIGABRT and memory_bytes:
        memory = f"; it probably needs more memory than {allowed(memory_bytes)}"
    return JobError(
        type="process-died",
        title="The training process died",
        detail=f"the training process {ended(exit_code)}{memory}",
        category="infrastructure",
    )


def allowed(memory_bytes: int) -> str:
    """How much memory a training may take, by the setting that says so."""
    return f"the {memory_bytes:,} bytes that it may take (MAX_TRAINING_MEMORY_BYTES)"


def away(error: GraphfitError) -> str:
    """Why a job has to wait for a store."""
    if isinstance(error, StorageFull):
        return "no room was left to store its files"
    return "the store of files did not answer"


def data_missing(detail: str) -> JobError:
    """The failure of a job whose data or models are gone from the store: no attempt brings them."""
    return JobError(
        type="data-missing",
        title="Data that the job needs is missing",
        detail=f"{detail} It was deleted from the store while the job needed it.",
        category="infrastructure",
    )


def too_long() -> JobError:
    """The failure of a job that ran past its own limit."""
    return JobError(
        type="deadline-exceeded",
        title="The job ran longer than it may",
        detail="The job's running time passed its own `limits.seconds`.",
        category="user",
        pointer="/limits/seconds",
    )
