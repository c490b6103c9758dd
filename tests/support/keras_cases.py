"""Requests that users of Keras stumbled on, each with its right answer."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from domain.job.job import JobRequest

FILE = Path(__file__).with_suffix(".json")


@cache
def load_cases() -> dict[str, Any]:
    """Returns the cases by their names."""
    return {case["id"]: case for case in json.loads(FILE.read_text("utf-8"))}


def make_job_request(request: dict[str, Any], **fields: Any) -> JobRequest:
    """Returns the request of a case's job, with its graph."""
    return JobRequest.model_validate({"graph": request["graph"], **request["job"], **fields})
