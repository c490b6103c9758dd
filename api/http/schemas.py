"""The schemas of responses that are not defined in `domain`."""

from datetime import datetime
from typing import Generic, TypeVar

from pydantic import Field

from domain.contract import Result
from domain.event import Event
from domain.graph.language import GraphDefinition
from domain.graph.summary import Summary
from domain.ids import GraphId
from domain.job.job import Epoch, Job
from domain.json.non_finite import NonFiniteName
from domain.model import Model
from domain.report.report import Report
from domain.sweeps.sweep import Sweep, Trial

Item = TypeVar("Item")
NonFinite = dict[str, NonFiniteName]


class Answer(Result):
    """A response with numbers; those that are not finite are `null` and named in `non_finite`."""

    non_finite: NonFinite | None = Field(
        default=None, examples=[{"/metrics/loss": "NaN"}], exclude=True
    )
    """JSON Pointers into this response, each with the number that the `null` there stands for;
    absent if every number is finite."""


class Page(Answer, Generic[Item]):
    """One page of a list, newest first."""

    items: list[Item]
    next_cursor: str | None
    """The `cursor` of the next page; `null` on the last page."""


class CheckedGraph(Answer):
    """The result of `?validate_only=true` for a valid graph; nothing is stored."""

    definition: GraphDefinition
    renamed: dict[str, str] = Field(examples=[{"block1.conv": "block1_conv"}])
    """Node names of a graph sent as Keras's JSON that were replaced, each with its new name."""
    digest: str
    """sha256 of the RFC 8785 JSON of the definition with every stored graph expanded."""
    summary: Summary


class Graph(CheckedGraph):
    """A stored graph."""

    id: GraphId
    name: str | None
    created_at: datetime


class JobAnswer(Answer, Job):
    """A job in its current state."""


class SweepAnswer(Answer, Sweep):
    """A sweep in its current state."""


class Trials(Page[Trial]):
    """Trials of a sweep, in the order of their numbers."""


class ModelAnswer(Answer, Model):
    """A trained model."""


class History(Answer):
    """Finished epochs of a job, oldest first."""

    epochs: list[Epoch]
    next_cursor: str | None
    """The `cursor` of the next page; `null` on the last page."""


class ReportAnswer(Answer, Report):
    """How the predictions of a job's model differ from the targets of some rows."""


class Events(Page[Event]):
    """Events of a job, oldest first."""
