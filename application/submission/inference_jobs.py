"""Checks the request of an `evaluate` or `predict` job completely before it is stored."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from typing import Any

from application.submission.check import check_graph
from application.submission.data_scan import DataScan
from application.submission.job_data import JobData
from application.submission.pins import pin_dataset
from application.submission.references import References, load_references
from application.submission.services import JobServices
from domain.check import CheckResult, ColumnSpec, Training
from domain.dataset import Column, Dataset
from domain.errors import MOST_FAULTS, Fault, GraphfitError, Invalid, raise_if_any
from domain.graph.summary import RowBytes, Summary
from domain.graph.walk import Place
from domain.job.columns.classes import ClassResolver
from domain.job.columns.fed import describe_fed
from domain.job.columns.places import find_place
from domain.job.feed import FeedCheck
from domain.job.inference.classes import find_class_faults, find_classes
from domain.job.inference.defaults import Defaults
from domain.job.inference.fills import Fills, find_fills
from domain.job.inference.outputs import (
    find_keep_faults,
    find_unknown_lengths,
    name_class_columns,
)
from domain.job.job import JobRequest
from domain.job.plan import Plan
from domain.job.preparation import DROP
from domain.job.recipe import Recipe
from domain.job.recipe_places import recipe_map
from domain.job.resolve import resolve
from domain.job.rules import request_faults
from domain.json.pointer import pointer
from domain.json.source_map import SourceMap

EVALUATE_ROWS = 32
"""Keras's own batch size."""
PREDICT_ROWS = 1_024
"""The most rows of a batch of a `predict` job that names no batch size."""
BATCH_BYTES = 64 << 20
"""Bytes of the outputs of all nodes for such a batch."""


@dataclass(frozen=True)
class CheckedInference:
    """An `evaluate` or `predict` job without faults."""

    plan: Plan
    warnings: list[str]
    row: RowBytes | None
    """Bytes of one row of the dataset, if the graph leaves lengths open."""


class InferenceCheck:
    """The check of one request."""

    def __init__(self, services: JobServices, owner: str, data: JobData, body: Any) -> None:
        """Checks nothing yet.

        Args:
            services: The database, the checker and the limits.
            owner: The owner of the job and of the records that it uses.
            data: The parsed request, with the datasets that it brings.
            body: The request as it was sent.
        """
        self._services, self._owner, self._data, self._body = services, owner, data, body
        self._request = data.request

    def check(self) -> CheckedInference:
        """Returns the plan of the job; stores nothing.

        Raises:
            Invalid: The request has faults; each fault has its place in the body.
            Busy: Too many graphs are being checked.
        """
        raise_if_any(request_faults(self._request))
        references, dataset = self._load()
        return _DataCheck(self, references, dataset).check()

    def _load(self) -> tuple[References, Dataset]:
        services, request = self._services, self._request
        with services.database.read() as connection:
            references, faults = load_references(
                connection, self._owner, services.settings, request, self._data.records
            )
        if faults or references is None or references.dataset is None:
            raise Invalid(faults)
        return references, references.dataset

    @property
    def request(self) -> JobRequest:
        """The request, in which datasets have ids."""
        return self._request

    def check_model(self, references: References, training: Training) -> CheckResult:
        """Checks the model with Keras; its faults lie in the body."""
        result = check_graph(
            self._services.checker,
            self._services.settings,
            references.blueprint,
            training,
            adapts=False,
        )
        source = SourceMap(prefix=references.place, body=self._body)
        return result.model_copy(update={"faults": source.locate_all(result.faults)})

    def locate_not_finite(self, check: FeedCheck) -> FeedCheck:
        """Returns a check that knows the first rows with a NaN, as far as the store answers."""
        staged = {item.record.id: item for item in self._data.staged}
        with suppress(GraphfitError):  # e.g. the dataset has just been deleted
            scan = DataScan(self._services.store, staged)
            return replace(check, first_not_finite=scan.find_first_rows(check))
        return check


class _DataCheck:
    """The check of a request whose model and dataset exist."""

    def __init__(self, check: InferenceCheck, references: References, dataset: Dataset) -> None:
        self._check, self._references, self._dataset = check, references, dataset
        self._request = check.request
        self._columns = {column.name: column for column in dataset.columns}
        definition = references.blueprint.definition
        self._inputs, self._outputs = definition.input_names(), definition.output_names()
        trained = references.recipe
        self._defaults = Defaults(trained, self._inputs, self._outputs, self._columns.keys())

    def check(self) -> CheckedInference:
        recipe, fills = self._resolve()
        fed = describe_fed(recipe, self._columns)
        training = Training(
            recipe=recipe,
            inputs={name: _specify(column) for name, column in fed.inputs.items()},
            targets={name: _specify(column) for name, column in fed.targets.items()},
        )
        result = self._check.check_model(self._references, training)
        places = recipe_map(self._request, self._outputs)
        faults = [*result.faults, *places.locate_all(result.recipe_faults)]
        if result.summary is None:
            raise Invalid(faults)
        feed_check = self._make_feed_check(recipe, fills, result, result.summary)
        faults += feed_check.find_faults()
        lengths = find_unknown_lengths(result.summary.outputs, fed.inputs)
        faults += _place_all(lengths if self._is_prediction else ())
        raise_if_any(faults)
        warnings = [*self._find_warnings(feed_check, recipe), *result.warnings]
        plan = self._make_plan(recipe, fills, result.summary, result.row)
        return CheckedInference(plan, list(dict.fromkeys(warnings)), result.row)

    @property
    def _is_prediction(self) -> bool:
        return self._request.kind == "predict"

    def _resolve(self) -> tuple[Recipe, Fills]:
        """Returns the recipe with all names, classes and missing values of the training.

        Raises:
            Invalid: Names are at fault.
        """
        completed = self._defaults.complete(self._request)
        recipe, faults = resolve(completed, self._inputs, self._outputs, self._columns)
        made = [*self._outputs, *self._class_columns.values()]
        if self._is_prediction:
            keep = self._request.keep
            faults += _place_all(find_keep_faults(keep, self._columns, made))
        raise_if_any(faults)
        recipe = self._resolve_classes(recipe)
        given, kept = self._request.feed.missing, self._references.preparation.missing
        fills = find_fills(given, kept, self._references.recipe, recipe, self._columns)
        return recipe.model_copy(update={"missing": fills.missing}), fills

    @cached_property
    def _class_columns(self) -> dict[str, str]:
        return name_class_columns(self._outputs, self._references.preparation.classes)

    def _resolve_classes(self, recipe: Recipe) -> Recipe:
        known = self._references.preparation.classes
        arguments = self._request, recipe, self._columns, known
        raise_if_any(_place_all(find_class_faults(*arguments)))
        feed = self._request.feed.model_copy(update={"classes": find_classes(*arguments)})
        completed = self._request.model_copy(update={"feed": feed})
        resolver = ClassResolver(completed, recipe, self._columns, {})
        raise_if_any(_place_all(self._find_class_places(resolver, recipe)))
        return resolver.resolve()

    def _find_class_places(
        self, resolver: ClassResolver, recipe: Recipe
    ) -> Iterator[tuple[Place, str]]:
        """Yields faults of classes, at the target if the request has no classes of it."""
        targets = {part.target: name for name, part in recipe.outputs.items()}
        for place, detail in resolver.find_faults():
            column = place[-1]
            is_own = place[:2] != ("feed", "classes") or column in self._request.feed.classes
            if is_own or not isinstance(column, str):
                yield place, detail
            else:
                yield find_place(self._request, recipe, "targets", targets[column]), detail

    def _make_feed_check(
        self, recipe: Recipe, fills: Fills, result: CheckResult, summary: Summary
    ) -> FeedCheck:
        return FeedCheck(
            request=self._request,
            recipe=recipe,
            summary=summary,
            definition=self._references.blueprint.definition,
            dataset=self._dataset,
            validation=None,
            targets=result.targets,
            ranges=result.ranges,
            learned=fills.learned,
        )

    def _find_warnings(self, feed_check: FeedCheck, recipe: Recipe) -> Iterator[str]:
        if not self._is_prediction:
            yield from self._defaults.find_warnings(self._request)
        yield from self._check.locate_not_finite(feed_check).find_warnings()
        for name, entry in recipe.missing.items():
            missing = self._columns[name].missing
            if entry == DROP and missing:
                yield (
                    f"Column '{name}' has {missing} missing values. Their rows are left out, as in "
                    "the training."
                )

    def _make_plan(
        self, recipe: Recipe, fills: Fills, summary: Summary, row: RowBytes | None
    ) -> Plan:
        keep = list(self._request.keep) if self._is_prediction else []
        return Plan(
            graph_id=None,
            blueprint=self._references.blueprint,
            summary=summary,
            recipe=recipe,
            dataset=pin_dataset(self._dataset, {*recipe.columns_read, *keep}),
            initial=self._references.initial,
            preparation=self._references.preparation,
            batch_size=self._request.batch_size or self._choose_batch_size(summary, row),
            fills=fills.values,
            keep=keep,
        )

    def _choose_batch_size(self, summary: Summary, row: RowBytes | None) -> int:
        if not self._is_prediction:
            return EVALUATE_ROWS
        row_bytes = summary.bytes.activations_per_row if row is None else row.activations
        return max(1, min(PREDICT_ROWS, BATCH_BYTES // max(1, row_bytes)))


def _specify(column: Column) -> ColumnSpec:
    return ColumnSpec(dtype=column.dtype, shape=column.shape, longest=column.longest)


def _place_all(found: Iterable[tuple[Place, str]]) -> list[Fault]:
    """Returns faults up to MOST_FAULTS."""
    return [
        Fault(pointer=pointer(*place), detail=detail)
        for place, detail in islice(found, MOST_FAULTS)
    ]
