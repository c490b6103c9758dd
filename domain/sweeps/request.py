"""The request of a sweep: a job request, the space of its parameters, and the objective."""

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, JsonValue, StringConstraints, Tag, model_validator

from domain.contract import WHOLE, Contract
from domain.early_stop import STOP_EARLY
from domain.job.job import JobRequest, Text

MOST_TRIALS = 1_000
"""Maximum number of trials of one sweep, and of points of a grid."""
MOST_PARAMETERS = 50
MOST_CHOICES = 1_000
MOST_PARALLEL = 64
LARGEST_WHOLE = 2**53 - 1
"""The largest whole number that every JSON library reads exactly."""

Whole = Annotated[int, Field(strict=True, ge=-LARGEST_WHOLE, le=LARGEST_WHOLE)]
Bound = Whole | Annotated[float, Field(strict=True)]
Place = Annotated[str, StringConstraints(max_length=1_000)]


class Range(Contract):
    """A range of numbers, both bounds included."""

    low: Bound = Field(examples=[0.0001])
    high: Bound = Field(examples=[0.1])
    log: bool = Field(default=False, strict=True)
    """Whether the logarithm is spread evenly; `low` is then above 0."""
    step: Bound | None = None
    """The distance of two neighbouring values; not with `log`."""
    type: Literal["int", "float"] | None = None
    """If left out, `int` if `low`, `high` and `step` are written without a fraction. Some languages
    write 1.0 as 1: give `float` for a rate from 0 to 1."""

    @property
    def is_whole(self) -> bool:
        """Whether the values are whole numbers."""
        if self.type is not None:
            return self.type == "int"
        given = (self.low, self.high) if self.step is None else (self.low, self.high, self.step)
        return all(isinstance(number, int) for number in given)


class Choices(Contract):
    """A list of values."""

    choices: Annotated[
        list[JsonValue], STOP_EARLY, Field(min_length=1, max_length=MOST_CHOICES)
    ] = Field(examples=[["relu", "tanh"]])
    """Any JSON values, e.g. names, or whole optimizers."""

    @model_validator(mode="before")
    @classmethod
    def _refuse_bounds(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.keys() & Range.model_fields.keys():
            raise ValueError("a parameter has bounds or `choices`, not both")
        return value


def _tag(value: object) -> str:
    named = value if isinstance(value, dict) else getattr(value, "__dict__", {})
    return "<choices>" if "choices" in named else "<range>"


Parameter = Annotated[
    Annotated[Range, Tag("<range>")] | Annotated[Choices, Tag("<choices>")], Discriminator(_tag)
]


class Objective(Contract):
    """The number that the sweep optimizes."""

    metric: str = Field(max_length=512, examples=["val_loss"])
    """A name in the `metrics` of the job's epochs."""
    direction: Literal["minimize", "maximize"]


class SweepRequest(Contract):
    """The request of a sweep."""

    name: Text | None = None
    request: JobRequest
    """The request of every trial, of kind `train`; each trial puts its parameters into it."""
    space: Annotated[dict[Place, Parameter], STOP_EARLY] = Field(
        min_length=1,
        max_length=MOST_PARAMETERS,
        examples=[{"/compile/optimizer/config/learning_rate": {"low": 1e-4, "high": 0.1}}],
    )
    """The parameters by JSON Pointer (RFC 6901) into `request`."""
    objective: Objective
    trials: Annotated[int, Field(strict=True, ge=1, le=MOST_TRIALS), WHOLE] | None = None
    """Number of trials. A grid has at most as many as it has points, which is its default."""
    parallel: Annotated[int, Field(strict=True, ge=1, le=MOST_PARALLEL), WHOLE] = 1
    """The largest number of trials that are queued or running at the same time."""
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    """Optuna's `TPESampler`, `RandomSampler` or `GridSampler`."""
    pruner: Literal["none", "median", "hyperband"] = "none"
    """Optuna's `MedianPruner` or `HyperbandPruner`, which ends trials that promise little."""
    seed: Annotated[int, Field(strict=True, ge=0, lt=2**32), WHOLE] | None = None
    """If left out, the server chooses a random seed and records it. It is the seed of the trials as
    well, unless `request` has one."""
    keep: Literal["best", "all"] = "best"
    """Which trials keep their models."""
