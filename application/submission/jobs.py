"""Accepts a job, or refuses it with everything that is wrong: before it waits in a queue."""

import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from application.children.pool import Checker
from application.settings import Settings
from application.submission.check import checked
from application.submission.references import Materials, gathered, missing
from domain.check import CheckResult, ColumnSpec, Training
from domain.dataset import Dataset
from domain.errors import Fault, Invalid
from domain.job.feed import Feeding
from domain.job.job import JobRequest
from domain.job.plan import PinnedDataset, Plan
from domain.job.recipe import Recipe
from domain.job.recipe_places import recipe_map
from domain.job.resolve import resolve
from domain.job.rules import request_faults
from domain.source_map import SourceMap
from models_store.database.engine import Database

SEEDS = 2**32


@dataclass(frozen=True)
class Accepted:
    """A job that can run."""

    request: JobRequest
    plan: Plan
    seed: int
    warnings: list[str]

    def confirm(self, connection: Connection, owner: str) -> None:
        """Nothing, when all that the job uses is still there.

        Raises:
            Invalid: it was deleted while the job was being checked.
        """
        _refuse(missing(connection, owner, self.request, self.plan))


@dataclass(frozen=True)
class Parts:
    """What accepting a job takes."""

    settings: Settings
    database: Database
    checker: Checker


def accepted(parts: Parts, owner: str, request: JobRequest, body: Any) -> Accepted:
    """The plan of a job, which nothing keeps yet.

    Args:
        body: The request as it was sent.

    Raises:
        Invalid: everything that is wrong with it, each fault at its place in `body`.
        Busy: too many graphs are being checked.
    """
    with parts.database.read() as connection:
        materials, faults = gathered(connection, owner, parts.settings, request)
    faults = [*request_faults(request), *SourceMap(body=body).locate_all(faults)]
    if materials is None:
        raise Invalid(faults)
    recipe, misnamed = _recipe(request, materials)
    answer = _checked(parts, request, materials, recipe)
    source = SourceMap(prefix=materials.place, body=body)
    faults += [*misnamed, *source.locate_all(answer.faults)]
    outputs = materials.blueprint.definition.output_names()
    faults += recipe_map(request, outputs).locate_all(answer.recipe_faults)
    warnings: list[str] = []
    feeding = None if misnamed else _feeding(request, materials, recipe, answer)
    if feeding is not None:
        faults += feeding.faults()
        warnings = feeding.warnings()
    _refuse(faults)
    plan = _plan(request, materials, recipe, answer, feeding)
    seed = secrets.randbelow(SEEDS) if request.seed is None else request.seed
    return Accepted(request, plan, seed, warnings)


def _recipe(request: JobRequest, materials: Materials) -> tuple[Recipe | None, list[Fault]]:
    """Resolve the recipe: the names that it needs are known before the check."""
    if request.kind == "build" or materials.dataset is None:
        return None, []
    columns = [column.name for column in materials.dataset.columns]
    definition = materials.blueprint.definition
    return resolve(request, definition.input_names(), definition.output_names(), columns)


def _checked(
    parts: Parts, request: JobRequest, materials: Materials, recipe: Recipe | None
) -> CheckResult:
    training = None
    if recipe is not None and materials.dataset is not None:
        columns = materials.dataset.columns
        training = Training(
            recipe=recipe,
            callbacks=request.fit.callbacks,
            columns={c.name: ColumnSpec(dtype=c.dtype, shape=c.shape) for c in columns},
        )
    return checked(parts.checker, parts.settings, materials.blueprint, training)


def _feeding(
    request: JobRequest, materials: Materials, recipe: Recipe | None, answer: CheckResult
) -> Feeding | None:
    if recipe is None or answer.summary is None or materials.dataset is None:
        return None
    return Feeding(
        request=request,
        recipe=recipe,
        summary=answer.summary,
        definition=materials.blueprint.definition,
        dataset=materials.dataset,
        validation=materials.validation,
        targets=answer.targets,
    )


def _plan(
    request: JobRequest,
    materials: Materials,
    recipe: Recipe | None,
    answer: CheckResult,
    feeding: Feeding | None,
) -> Plan:
    assert answer.summary is not None  # or else there were faults
    read = feeding.read if feeding else set()
    return Plan(
        graph_id=request.graph if isinstance(request.graph, str) else None,
        blueprint=materials.blueprint,
        summary=answer.summary,
        recipe=recipe,
        dataset=_pinned(materials.dataset, read),
        validation_dataset=_pinned(materials.validation, read),
        sources=materials.sources,
        initial=materials.initial,
    )


def _pinned(dataset: Dataset | None, read: set[str]) -> PinnedDataset | None:
    if dataset is None:
        return None
    columns = {c.name: i for i, c in enumerate(dataset.columns) if c.name in read}
    hashes = {c.name: c.sha256 for c in dataset.columns if c.name in read and c.sha256}
    return PinnedDataset(
        id=dataset.id, sha256=dataset.sha256, rows=dataset.rows, columns=columns, hashes=hashes
    )


def _refuse(faults: list[Fault]) -> None:
    if faults:
        raise Invalid(faults)
