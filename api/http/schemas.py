"""The shapes of answers that are not values of the domain already."""

from datetime import datetime
from typing import Generic, TypeVar

from pydantic import Field

from domain.contract import Result
from domain.event import Event
from domain.graph.language import GraphDefinition
from domain.graph.summary import Summary
from domain.ids import GraphId
from domain.job.job import Epoch, Job
from domain.model import Model
from domain.non_finite import NonFiniteName

Item = TypeVar("Item")
NonFinite = dict[str, NonFiniteName]


class Answer(Result):
    """An answer with numbers in it: those that are not finite are `null` and named."""

    non_finite: NonFinite | None = Field(
        default=None, examples=[{"/metrics/loss": "NaN"}], exclude=True
    )
    """JSON Pointer into this answer to what the `null` there stands for; absent when every
    number is finite."""


class Page(Answer, Generic[Item]):
    """One page of a list, newest first."""

    items: list[Item]
    next_cursor: str | None
    """`cursor` of the next page; `null` on the last one."""


class CheckedGraph(Answer):
    """What `?validate_only=true` tells of a graph that is sound; nothing was kept."""

    definition: GraphDefinition
    renamed: dict[str, str] = Field(examples=[{"block1.conv": "block1_conv"}])
    """Of a graph that came as Keras's JSON: names that break our pattern, to what they became."""
    digest: str
    """sha256 of the RFC 8785 JSON of the definition with every stored graph expanded."""
    summary: Summary


class Graph(CheckedGraph):
    """A stored graph."""

    id: GraphId
    name: str | None
    created_at: datetime


class JobAnswer(Answer, Job):
    """A job as it stands."""


class ModelAnswer(Answer, Model):
    """A trained model."""


class History(Answer):
    """The finished epochs of a job."""

    epochs: list[Epoch]


class Events(Page[Event]):
    """Announcements of a job, oldest first."""
