"""How attempts end that had no last word of their own, in words for the client."""

import signal

from domain.job import JobError


def ended(exit_code: int) -> str:
    """How a process ended that said nothing more, by its exit status or signal."""
    if exit_code >= 0:
        return f"ended without a word (exit status {exit_code})"
    if -exit_code == signal.SIGKILL:
        return "was killed (signal 9)"
    return f"crashed (signal {-exit_code})"


def killed(exit_code: int) -> JobError:
    """The failure of a job whose processes keep dying."""
    memory = "; it probably ran out of memory" if -exit_code == signal.SIGKILL else ""
    return JobError(
        type="process-died",
        title="The training process died",
        detail=f"the training process {ended(exit_code)}{memory}",
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
