"""Checks a job request completely before it is stored: accepts it, or rejects it with faults."""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection

from application.submission.check import check_graph
from application.submission.data_scan import DataScan
from application.submission.import_jobs import confirm_import, plan_import
from application.submission.inference_jobs import InferenceCheck
from application.submission.job_data import JobData
from application.submission.pins import pin_dataset
from application.submission.references import References, find_deleted, load_references
from application.submission.services import JobServices
from domain.check import CheckResult, ColumnSpec, Donor, Training
from domain.dataset import Column, Dataset
from domain.errors import MOST_FAULTS, Fault, GraphfitError, Invalid, raise_if_any
from domain.graph.adaptation import find_missing_states
from domain.graph.summary import RowBytes
from domain.job.columns.classes import ClassResolver, find_other_classes, find_unit_misfits
from domain.job.columns.fed import describe_fed
from domain.job.feed import FeedCheck
from domain.job.fit.checkpoints import find_rule
from domain.job.fit.continuation import continue_request, find_misfits, keeps_rate
from domain.job.job import INFERENCE, JobRequest
from domain.job.limits import find_limit_faults
from domain.job.plan import AnyPlan, ImportPlan, PinnedDataset, Plan
from domain.job.recipe import Recipe
from domain.job.recipe_places import recipe_map
from domain.job.resolve import resolve
from domain.job.rules import request_faults
from domain.json.pointer import pointer
from domain.json.source_map import SourceMap
from domain.upload import Upload
from models_store.files.safetensors_header import METADATA_KEY, read_header
from models_store.jobs import jobs, wait_reasons

SEED_COUNT = 2**32
"""Seeds are the integers from 0 to `SEED_COUNT` - 1."""


@dataclass(frozen=True)
class AcceptedJob:
    """A checked job that is not stored yet."""

    request: JobRequest
    plan: AnyPlan
    seed: int
    warnings: list[str]
    row: RowBytes | None = None
    """Bytes of one row of the dataset, if the graph leaves lengths open."""
    upload: Upload | None = None
    """The upload of an `import` job, which is new if the job fetches its file."""
    reported: Mapping[str, bool] = field(default_factory=dict)
    """The metrics that the training reports, and whether each has several values."""

    def insert(
        self, connection: Connection, owner: str, data: JobData, sweep_id: str | None = None
    ) -> str:
        """Stores and queues the job, and stores the datasets that it brings. Returns its id.

        Raises:
            Invalid: a record that the job uses was deleted while the job was being checked.
        """
        data.insert(connection, owner)
        self.confirm(connection, owner)
        accepted = self.request, data.sent, self.plan, self.seed, self.warnings, self.row
        job_id = jobs.insert(connection, owner, *accepted, sweep_id=sweep_id)
        wait_reasons.set_reason(connection, job_id)
        return job_id

    def confirm(self, connection: Connection, owner: str) -> None:
        """Checks, in the transaction that stores the job, that the records it uses still exist.

        Raises:
            Invalid: a record was deleted while the job was being checked.
        """
        if isinstance(self.plan, ImportPlan):
            assert self.upload is not None
            confirm_import(connection, owner, self.plan, self.upload)
        else:
            raise_if_any(find_deleted(connection, owner, self.request, self.plan))


def check_limits(services: JobServices, request: JobRequest) -> None:
    """Checks the sizes of a request, before any other work on it.

    Raises:
        Invalid: the request exceeds limits; each fault has its place.
    """
    raise_if_any(find_limit_faults(request, services.limits))


def accept_job(services: JobServices, owner: str, data: JobData, body: Any) -> AcceptedJob:
    """Returns the checked job with its plan; stores nothing.

    Args:
        services: The database, the checker and the limits.
        owner: The owner of the job and of the records that it uses.
        data: The parsed request, with the datasets that it brings.
        body: The request as it was sent.

    Raises:
        Invalid: the request has faults; each fault has its place in `body`.
        Busy: too many graphs are being checked.
    """
    request = data.request
    if request.kind == "import":
        plan = plan_import(services.imports, owner, request)
        upload = services.imports.uploads.make(None, {}).model_copy(update={"id": plan.upload})
        return AcceptedJob(request, plan, seed=0, warnings=[], upload=upload)
    if request.kind in INFERENCE:
        checked = InferenceCheck(services, owner, data, body).check()
        return AcceptedJob(request, checked.plan, 0, checked.warnings, checked.row)
    return _accept_model_job(services, owner, data, body)


def _accept_model_job(services: JobServices, owner: str, data: JobData, body: Any) -> AcceptedJob:
    request = data.request
    with services.database.read() as connection:
        references, faults = load_references(
            connection, owner, services.settings, request, data.records
        )
    training = None if references is None else references.training
    if training is not None:
        request = continue_request(request, training)
        faults += find_misfits(request, training)
    own = islice(request_faults(request), MOST_FAULTS)
    faults = [*own, *SourceMap(body=body).locate_all(faults)]
    if references is None:
        raise Invalid(faults)
    recipe, name_faults = _resolve_recipe(request, references)
    faults += name_faults
    result = _check(services, request, references, recipe)
    source = SourceMap(prefix=references.place, body=body)
    faults += source.locate_all(result.faults)
    if request.kind == "build" and references.initial is None:
        faults += source.locate_all(find_missing_states(references.blueprint.definition))
    outputs = references.blueprint.definition.output_names()
    faults += recipe_map(request, outputs).locate_all(_keep_own_faults(recipe, result))
    warnings: list[str] = []
    feed_check = None if name_faults else _make_feed_check(request, references, recipe, result)
    if feed_check is not None:
        faults += feed_check.find_faults()
        raise_if_any(faults)
        warnings = [*_find_warnings(services, data, feed_check), *result.warnings]
    raise_if_any(faults)
    warnings = [*warnings, *result.copy_notes]
    plan = _make_plan(request, references, recipe, result, feed_check)
    seed = secrets.randbelow(SEED_COUNT) if request.seed is None else request.seed
    return AcceptedJob(
        request, plan, seed, warnings, result.row, reported=list_reported(request, result)
    )


def list_reported(request: JobRequest, result: CheckResult) -> dict[str, bool]:
    """Returns the metrics of each epoch, and whether each has several values."""
    validation = {f"val_{name}": value for name, value in result.reported.items()}
    return result.reported | (validation if request.validates else {})


def _resolve_recipe(
    request: JobRequest, references: References
) -> tuple[Recipe | None, list[Fault]]:
    """Returns the recipe with the names of inputs, outputs and columns, and the name faults."""
    if request.kind == "build" or references.dataset is None:
        return None, []
    columns = {column.name: column for column in references.dataset.columns}
    definition = references.blueprint.definition
    names = definition.input_names(), definition.output_names()
    recipe, faults = resolve(request, *names, columns)
    if faults:
        return recipe, faults
    return _resolve_classes(request, references, recipe, columns)


def _resolve_classes(
    request: JobRequest, references: References, recipe: Recipe, columns: dict[str, Column]
) -> tuple[Recipe, list[Fault]]:
    """Returns the recipe with the classes of its targets, and the faults of the classes."""
    resolver = ClassResolver(request, recipe, columns, references.preparation.classes)
    resolved = resolver.resolve()
    found = list(resolver.find_faults())
    if references.validation is not None and not found:
        others = {column.name: column for column in references.validation.columns}
        if recipe.columns_read <= others.keys():
            found = list(find_other_classes(resolved, others))
    faults = [Fault(pointer=pointer(*place), detail=detail) for place, detail in found]
    return resolved, faults[:MOST_FAULTS]


def _keep_own_faults(recipe: Recipe | None, result: CheckResult) -> list[Fault]:
    """Returns the faults of losses and metrics, without those that wrong classes cause."""
    if recipe is None or result.summary is None:
        return result.recipe_faults
    misfits = [
        tensor.name
        for tensor in result.summary.outputs
        if any(find_unit_misfits(recipe.outputs[tensor.name], tensor.name, tensor.shape[1:]))
    ]
    causes = tuple(
        pointer("compile", part, name) for part in ("loss", "metrics") for name in misfits
    )
    return [fault for fault in result.recipe_faults if fault.pointer not in causes]


def _check(
    services: JobServices, request: JobRequest, references: References, recipe: Recipe | None
) -> CheckResult:
    training = None
    if recipe is not None and references.dataset is not None:
        columns = {column.name: column for column in references.dataset.columns}
        fed = describe_fed(recipe, columns)
        training = Training(
            recipe=recipe,
            callbacks=request.fit.callbacks,
            freeze=request.fit.freeze,
            validates=request.validates,
            **_describe_checkpoints(request),
            inputs={name: _specify(column) for name, column in fed.inputs.items()},
            targets={name: _specify(column) for name, column in fed.targets.items()},
        )
    adapts = references.initial is None
    return check_graph(
        services.checker,
        services.settings,
        references.blueprint,
        training,
        adapts=adapts,
        donor=_describe_donor(services, request, references),
    )


def _describe_donor(
    services: JobServices, request: JobRequest, references: References
) -> Donor | None:
    """Returns the shapes of the weights that are copied to layers of equal name and shape."""
    pinned = references.donor
    if pinned is None or request.initial_weights is None:
        return None
    with services.store.fetch(pinned.artifact, pinned.sha256) as path:
        header = read_header(path)
    shapes = {key: entry["shape"] for key, entry in header.items() if key != METADATA_KEY}
    return Donor(model=pinned.id, shapes=shapes, match=request.initial_weights.match)


def _describe_checkpoints(request: JobRequest) -> dict[str, Any]:
    """Returns the checkpoints of a training, if Keras has to know the metric of the best one."""
    with suppress(ValidationError):  # `request_faults` tells of it
        found = find_rule(request.fit)
        if found is not None and found[1].best is not None:
            place, rule = found
            return {"checkpoints": rule, "checkpoints_place": pointer(*place)}
    return {}


def _specify(column: Column) -> ColumnSpec:
    return ColumnSpec(dtype=column.dtype, shape=column.shape, longest=column.longest)


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
        ranges=result.ranges,
    )


def _find_warnings(services: JobServices, data: JobData, feed_check: FeedCheck) -> list[str]:
    """Returns the warnings of a job; reads parts of its columns, as far as the store answers."""
    scan = DataScan(services.store, {item.record.id: item for item in data.staged})
    warnings = feed_check.find_warnings()
    split = feed_check.request.fit.validation_split
    with suppress(GraphfitError):  # e.g. the dataset has just been deleted
        found = replace(feed_check, first_not_finite=scan.find_first_rows(feed_check))
        warnings = found.find_warnings()
        warnings += scan.find_unseen_classes(feed_check.dataset, feed_check.recipe, split)
    return warnings


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
        dataset=_pin(references.dataset, read_columns),
        validation_dataset=_pin(references.validation, read_columns),
        sources=references.sources,
        initial=references.initial,
        donor=references.donor,
        copied=result.copied,
        **_plan_continuation(request, references),
        preparation=references.preparation,
        trained=references.recipe if request.kind == "build" else None,
    )


def _plan_continuation(request: JobRequest, references: References) -> dict[str, Any]:
    """Returns the fields of a plan that tell where a training goes on."""
    training = references.training
    if training is None:
        return {}
    return {
        "optimizer": references.optimizer,
        "keeps_rate": keeps_rate(request, training),
        "order_shift": training.epochs - request.fit.initial_epoch,
    }


def _pin(dataset: Dataset | None, read_columns: set[str]) -> PinnedDataset | None:
    return None if dataset is None else pin_dataset(dataset, read_columns)
