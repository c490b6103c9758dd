"""Checks a job request completely before it is stored: accepts it, or rejects it with faults."""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from application.children.pool import Checker
from application.settings import Settings
from application.submission.check import check_graph
from application.submission.references import References, find_deleted, load_references
from domain.check import CheckResult, ColumnSpec, Training
from domain.dataset import Dataset
from domain.errors import Fault, Invalid
from domain.job.feed import FeedCheck
from domain.job.job import JobRequest
from domain.job.plan import PinnedDataset, Plan
from domain.job.recipe import Recipe
from domain.job.recipe_places import recipe_map
from domain.job.resolve import resolve
from domain.job.rules import request_faults
from domain.source_map import SourceMap
from models_store.database.engine import Database

SEED_COUNT = 2**32
"""Seeds are the integers from 0 to `SEED_COUNT` - 1."""


@dataclass(frozen=True)
class AcceptedJob:
    """A checked job that is not stored yet."""

    request: JobRequest
    plan: Plan
    seed: int
    warnings: list[str]

    def confirm(self, connection: Connection, owner: str) -> None:
        """Checks, in the transaction that stores the job, that the records it uses still exist.

        Raises:
            Invalid: a record was deleted while the job was being checked.
        """
        _raise_if_any(find_deleted(connection, owner, self.request, self.plan))


@dataclass(frozen=True)
class JobServices:
    """The services that `accept_job` needs."""

    settings: Settings
    database: Database
    checker: Checker


def accept_job(services: JobServices, owner: str, request: JobRequest, body: Any) -> AcceptedJob:
    """Returns the checked job with its plan; stores nothing.

    Args:
        services: The database, the checker and the limits.
        owner: The owner of the job and of the records that it uses.
        request: The parsed request.
        body: The request as it was sent.

    Raises:
        Invalid: the request has faults; each fault has its place in `body`.
        Busy: too many graphs are being checked.
    """
    with services.database.read() as connection:
        references, faults = load_references(connection, owner, services.settings, request)
    faults = [*request_faults(request), *SourceMap(body=body).locate_all(faults)]
    if references is None:
        raise Invalid(faults)
    recipe, name_faults = _resolve_recipe(request, references)
    result = _check(services, request, references, recipe)
    source = SourceMap(prefix=references.place, body=body)
    faults += [*name_faults, *source.locate_all(result.faults)]
    outputs = references.blueprint.definition.output_names()
    faults += recipe_map(request, outputs).locate_all(result.recipe_faults)
    warnings: list[str] = []
    feed_check = None if name_faults else _make_feed_check(request, references, recipe, result)
    if feed_check is not None:
        faults += feed_check.find_faults()
        warnings = feed_check.find_warnings()
    _raise_if_any(faults)
    plan = _make_plan(request, references, recipe, result, feed_check)
    seed = secrets.randbelow(SEED_COUNT) if request.seed is None else request.seed
    return AcceptedJob(request, plan, seed, warnings)


def _resolve_recipe(
    request: JobRequest, references: References
) -> tuple[Recipe | None, list[Fault]]:
    """Returns the recipe with the names of inputs, outputs and columns, and the name faults."""
    if request.kind == "build" or references.dataset is None:
        return None, []
    columns = [column.name for column in references.dataset.columns]
    definition = references.blueprint.definition
    return resolve(request, definition.input_names(), definition.output_names(), columns)


def _check(
    services: JobServices, request: JobRequest, references: References, recipe: Recipe | None
) -> CheckResult:
    training = None
    if recipe is not None and references.dataset is not None:
        columns = references.dataset.columns
        training = Training(
            recipe=recipe,
            callbacks=request.fit.callbacks,
            columns={c.name: ColumnSpec(dtype=c.dtype, shape=c.shape) for c in columns},
        )
    return check_graph(services.checker, services.settings, references.blueprint, training)


def _make_feed_check(
    request: JobRequest, references: References, recipe: Recipe | None, result: CheckResult
) -> FeedCheck | None:
    if recipe is None or result.summary is None or references.dataset is None:
        return None
    return FeedCheck(
        request=request,
        recipe=recipe,
        summary=result.summary,
        definition=references.blueprint.definition,
        dataset=references.dataset,
        validation=references.validation,
        targets=result.targets,
    )


def _make_plan(
    request: JobRequest,
    references: References,
    recipe: Recipe | None,
    result: CheckResult,
    feed_check: FeedCheck | None,
) -> Plan:
    assert result.summary is not None  # a result without a summary has faults
    read_columns = feed_check.columns_read if feed_check else set()
    return Plan(
        graph_id=request.graph if isinstance(request.graph, str) else None,
        blueprint=references.blueprint,
        summary=result.summary,
        recipe=recipe,
        dataset=_pin_dataset(references.dataset, read_columns),
        validation_dataset=_pin_dataset(references.validation, read_columns),
        sources=references.sources,
        initial=references.initial,
    )


def _pin_dataset(dataset: Dataset | None, read_columns: set[str]) -> PinnedDataset | None:
    if dataset is None:
        return None
    columns = {c.name: i for i, c in enumerate(dataset.columns) if c.name in read_columns}
    hashes = {c.name: c.sha256 for c in dataset.columns if c.name in read_columns and c.sha256}
    return PinnedDataset(
        id=dataset.id, sha256=dataset.sha256, rows=dataset.rows, columns=columns, hashes=hashes
    )


def _raise_if_any(faults: list[Fault]) -> None:
    if faults:
        raise Invalid(faults)
