"""The limits of a job's request, from the settings."""

from application.settings import Settings
from domain.job.limits import RequestLimits


def get_request_limits(settings: Settings, max_job_seconds: float) -> RequestLimits:
    """Returns the limits of the request of a job.

    Args:
        settings: The limits of requests.
        max_job_seconds: The longest running time of a job, which workers enforce; 0: no limit.
    """
    return RequestLimits(
        seconds=max_job_seconds,
        priority=settings.max_priority,
        metadata=settings.max_metadata,
        schedule_length=settings.max_schedule_length,
        list_length=settings.max_list_length,
    )
