"""The job request of one trial."""

from typing import Any

from pydantic import ValidationError

from domain.errors import MOST_FAULTS, Fault, Invalid
from domain.job.job import JobRequest
from domain.json.source_map import SourceMap
from domain.sweeps.space import Space, Suggestion, get_values, place_values

NO_FIELD = "A job request has no such field."
_DETAILS = {"extra_forbidden": NO_FIELD}


def make_body(base: Any, space: Space, suggestion: Suggestion, seed: int) -> Any:
    """Returns the JSON of a trial's request.

    Args:
        base: The job request of the sweep.
        space: The parameters by pointer.
        suggestion: Their suggested values.
        seed: The seed of the trial, unless the request has one.
    """
    seeded = base if base.get("seed") is not None else {**base, "seed": seed}
    return place_values(seeded, get_values(space, suggestion))


def validate(body: Any) -> JobRequest:
    """Returns the parsed request of a trial.

    Raises:
        Invalid: the schema of a job request refuses it.
    """
    try:
        return JobRequest.model_validate(body)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        source = SourceMap(body=body)
        raise Invalid(
            Fault(
                pointer=source.place_of_error(item["loc"], is_missing=item["type"] == "missing"),
                detail=_DETAILS.get(item["type"], item["msg"]),
            )
            for item in found[:MOST_FAULTS]
        ) from error
