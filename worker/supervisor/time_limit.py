"""The time limits of a job: its own, and the one of the service."""

from domain.job.job import JobError
from models_store.jobs.claims import Claim
from worker.protocol import failures


def find_deadline_error(claim: Claim, max_job_seconds: float) -> JobError | None:
    """Returns the error of a job that has run longer than it may; None within its limits.

    Args:
        claim: The present attempt. The time of earlier attempts counts as well.
        max_job_seconds: The longest running time that the service allows; 0: no limit.
    """
    seconds, own = claim.count_seconds(), claim.seconds_limit
    if own is not None and seconds > own:
        return failures.make_deadline_error(own)
    if max_job_seconds and seconds > max_job_seconds:
        return failures.make_longest_error(max_job_seconds, _find_place(claim))
    return None


def _find_place(claim: Claim) -> str:
    """Returns a pointer to the field of the request that makes the job long."""
    match claim.kind:
        case "train":
            return "/fit/epochs"
        case "evaluate" | "predict":
            return "/dataset"
        case "import":
            return claim.import_plan.place
        case _:
            return claim.plan.graph_place
