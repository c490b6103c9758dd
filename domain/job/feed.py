"""Checks whether the columns of a dataset fit the graph that they feed."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain, islice

from domain.dataset import Column, Dataset
from domain.dtype import kind_of
from domain.errors import MOST_FAULTS, Fault
from domain.graph.language import GraphDefinition
from domain.graph.shapes import format_shape
from domain.graph.summary import Summary
from domain.graph.walk import Place
from domain.job import inputs
from domain.job.columns.classes import find_unit_misfits
from domain.job.columns.fed import FedColumns, describe_fed, find_side_by_side_misfits
from domain.job.columns.missing import MissingCheck
from domain.job.columns.places import find_place
from domain.job.fit.rules import find_step_faults
from domain.job.job import JobRequest
from domain.job.preparation import Window
from domain.job.recipe import OutputRecipe, Recipe
from domain.job.split import count_training_rows
from domain.job.targets import (
    TargetCheck,
    ValueRange,
    find_misfits,
    find_other_values,
    find_strictest,
)
from domain.job.weights import (
    find_class_weight_doubts,
    find_class_weight_misfits,
    find_sample_weight_doubts,
    find_sample_weight_misfits,
)
from domain.json.pointer import pointer


@dataclass(frozen=True)
class FeedCheck:
    """The check of a job's recipe against its data and its graph."""

    request: JobRequest
    recipe: Recipe
    summary: Summary
    definition: GraphDefinition
    dataset: Dataset
    validation: Dataset | None
    targets: Mapping[str, TargetCheck] = field(default_factory=dict)
    """What the check found of the targets, by output."""
    ranges: Mapping[str, Sequence[ValueRange]] = field(default_factory=dict)
    """The target values of the losses and metrics, by output."""
    first_not_finite: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """The first row with a NaN or an infinity, by the id of a dataset and a column, if known."""
    learned: Collection[str] = ()
    """The columns for whose missing values the model keeps others."""

    def find_faults(self) -> list[Fault]:
        """Return the faults up to MOST_FAULTS, each at its place in the job's request."""
        found = chain(
            _row_faults(self),
            self._missing_check.find_faults(),
            _input_faults(self),
            _output_faults(self),
            _validation_faults(self),
        )
        return [
            Fault(pointer=pointer(*place), detail=detail)
            for place, detail in islice(found, MOST_FAULTS)
        ]

    def find_warnings(self) -> list[str]:
        """Return the warnings of a job that is accepted."""
        doubts = (
            *self._find_not_finite(),
            *self._find_value_doubts(),
            *self._find_weight_doubts(),
            *self._find_padding_doubts(),
        )
        return list(dict.fromkeys(doubts))

    @cached_property
    def fed(self) -> FedColumns:
        """The columns of the dataset as the training sees them."""
        return describe_fed(self.recipe, _by_name(self.dataset))

    @property
    def _missing_check(self) -> MissingCheck:
        columns, rows = _by_name(self.dataset), self.dataset.rows
        return MissingCheck(self.request, self.recipe, columns, self.dtypes, rows, self.learned)

    @property
    def dtypes(self) -> dict[str, str]:
        """The dtype of each input of the graph."""
        return {item.name: item.dtype for item in self.definition.inputs}

    def _find_not_finite(self) -> Iterator[str]:
        named = (("dataset", self.dataset), ("validation dataset", self.validation))
        yield from (
            f"Column '{column.name}' of the {what} has {column.not_finite} values that are "
            f"NaN or infinite; {self._result} may become NaN.{self._locate(dataset, column)}"
            for what, dataset in named
            if dataset is not None
            for column in dataset.columns
            if column.not_finite
            and column.name in self.columns_read
            and column.name not in self.recipe.missing
        )

    @property
    def _result(self) -> str:
        return "the outputs" if self.request.kind == "predict" else "the loss"

    def _locate(self, dataset: Dataset, column: Column) -> str:
        row = self.first_not_finite.get((dataset.id, column.name))
        return "" if row is None else f" The first is in row {row}, counted from 0."

    def _find_padding_doubts(self) -> Iterator[str]:
        masked = inputs.find_masked(self.definition)
        for name, column in self.fed.inputs.items():
            if column.is_ragged and name not in masked:
                yield (
                    f"The rows of column '{column.name}' differ in length. They are padded by "
                    f"batch with 0, and no layer after input '{name}' masks the padding: take "
                    "`mask_zero: true` of an Embedding, or a Masking layer."
                )

    def _find_value_doubts(self) -> Iterator[str]:
        for fed in self._list_fed():
            for name, ranges in self.ranges.items():
                if name in fed.targets:
                    yield from find_other_values(fed.targets[name], ranges, needed=False)

    def _find_weight_doubts(self) -> Iterator[str]:
        for name, output in self.recipe.outputs.items():
            check = self.targets.get(name)
            if not output.is_weighable and (output.class_weight or output.sample_weight):
                yield f"Output '{name}' has no loss, so its weights have no effect."
            elif check is not None and output.class_weight and output.target:
                target = self.fed.targets[name]
                yield from find_class_weight_doubts(output.class_weight, name, target, check)
        for fed in self._list_fed():
            for name, column in fed.weights.items():
                if self.recipe.outputs[name].is_weighable:
                    yield from find_sample_weight_doubts(column, name)

    def _list_fed(self) -> Iterator[FedColumns]:
        """Yield what the training sees of the dataset, and of the validation dataset if given."""
        yield self.fed
        if self.validation is not None:
            yield describe_fed(self.recipe, _by_name(self.validation))

    @property
    def columns_read(self) -> set[str]:
        """The columns that the job reads."""
        return self.recipe.columns_read


Found = Iterator[tuple[Place, str]]


def _row_faults(feed_check: FeedCheck) -> Found:
    rows, split = feed_check.dataset.rows, feed_check.request.fit.validation_split
    if rows == 0:
        yield ("dataset",), "The dataset has no rows."
    elif split and not 0 < count_training_rows(rows, split) < rows:
        kept = count_training_rows(rows, split)
        yield (
            ("fit", "validation_split"),
            f"Of {rows} rows a split of {split:g} leaves {kept} to train on and {rows - kept} to "
            "validate on; both need at least one.",
        )
    elif rows:
        yield from _window_faults(feed_check)
        yield from find_step_faults(feed_check.request, _count_examples(feed_check))
    if split and feed_check.validation is not None:
        detail = "Give a `validation_split` or a `validation_dataset`, not both."
        yield ("fit", "validation_split"), detail
    if feed_check.validation is not None and feed_check.validation.rows == 0:
        yield ("validation_dataset",), "The dataset has no rows."


def _count_examples(feed_check: FeedCheck) -> int:
    """Count the examples that train, at most: rows that `feed.missing` drops are still counted."""
    window, fit = feed_check.recipe.window, feed_check.request.fit
    rows = count_training_rows(feed_check.dataset.rows, fit.validation_split)
    return rows if window is None else window.count(rows)


def _window_faults(feed_check: FeedCheck) -> Found:
    """Find too few rows for a window, in the training part or the validation part."""
    window, columns = feed_check.recipe.window, _by_name(feed_check.dataset)
    if window is None:
        return
    if window.group is not None:
        for detail in _find_group_misfits(columns[window.group], window):
            yield ("feed", "window", "group"), detail
    rows, split = feed_check.dataset.rows, feed_check.request.fit.validation_split
    kept = count_training_rows(rows, split)
    parts = {"train on": kept, "validate on": rows - kept if split else None}
    if feed_check.validation is not None:
        parts["validate on"] = feed_check.validation.rows
    for purpose, count in parts.items():
        if count is not None and window.count(count) == 0:
            yield (
                ("feed", "window", "length"),
                f"There are {count} rows to {purpose}; a window of length {window.length} and its "
                f"target need {window.least_rows} consecutive rows.",
            )


def _find_group_misfits(column: Column, window: Window) -> Iterator[str]:
    """Find whether a column cannot group rows, or no group has enough rows for a window."""
    if column.shape:
        yield f"Column '{column.name}' has several values in each row; a group has one."
    counts = [item.count for item in column.classes or ()]
    if counts and max(counts) < window.least_rows:
        yield (
            f"The largest group of column '{column.name}' has {max(counts)} rows; a window and its "
            f"target need {window.least_rows} consecutive rows."
        )


def _input_faults(feed_check: FeedCheck) -> Found:
    columns, recipe = _by_name(feed_check.dataset), feed_check.recipe
    indices = inputs.find_embedding_sizes(feed_check.definition)
    for tensor in feed_check.summary.inputs:
        place = find_place(feed_check.request, recipe, "inputs", tensor.name)
        listed = [columns[name] for name in recipe.inputs[tensor.name]]
        for detail in find_side_by_side_misfits(listed, tensor.name, recipe.window):
            yield place, detail
        column = feed_check.fed.inputs.get(tensor.name)
        if column is not None:
            for detail in inputs.find_misfits(column, tensor, indices.get(tensor.name)):
                yield place, detail
    if recipe.bucket and not any(column.is_ragged for column in feed_check.fed.inputs.values()):
        detail = "No input has rows that differ in length; `bucket` batches rows of like length."
        yield ("feed", "bucket"), detail


def _output_faults(feed_check: FeedCheck) -> Found:
    for tensor in feed_check.summary.outputs:
        output = feed_check.recipe.outputs[tensor.name]
        check = feed_check.targets.get(tensor.name)
        place = find_place(feed_check.request, feed_check.recipe, "targets", tensor.name)
        for detail in find_unit_misfits(output, tensor.name, tensor.shape[1:]):
            yield place, detail
        if check is not None and output.loss and output.target:
            target = feed_check.fed.targets[tensor.name]
            values = find_misfits(target, tensor.name, find_strictest(output.losses), check)
            ranges = feed_check.ranges.get(tensor.name, ())
            others = find_other_values(target, ranges, needed=True)
            for detail in (*check.faults, *values, *others):
                yield place, detail
        yield from _weight_faults(feed_check, output, tensor.name)


def _weight_faults(feed_check: FeedCheck, output: OutputRecipe, name: str) -> Found:
    check = feed_check.targets.get(name)
    if check is None:
        return
    if output.sample_weight is not None:
        column = feed_check.fed.weights[name]
        for detail in find_sample_weight_misfits(column, name, check):
            yield ("feed", "sample_weights", name), detail
    if output.class_weight:
        for detail in find_class_weight_misfits(output.class_weight, name, check):
            yield ("fit", "class_weight"), detail


def _validation_faults(feed_check: FeedCheck) -> Found:
    if feed_check.validation is None:
        return
    columns, place = _by_name(feed_check.validation), ("validation_dataset",)
    for name in sorted(feed_check.columns_read):
        trained, other = _by_name(feed_check.dataset)[name], columns.get(name)
        if other is None:
            yield place, f"The validation dataset has no column '{name}'."
        elif other.shape != trained.shape:
            yield (
                place,
                f"Column '{name}' has the shape {format_shape(other.shape)} here and "
                f"{format_shape(trained.shape)} in the training dataset.",
            )
        elif (kind_of(other.dtype) == "text") != (kind_of(trained.dtype) == "text"):
            detail = f"Column '{name}' is {other.dtype} here and {trained.dtype} in training."
            yield place, detail
    if all(name in columns for name in feed_check.columns_read):
        yield from _validation_value_faults(feed_check, place)


def _validation_value_faults(feed_check: FeedCheck, place: Place) -> Found:
    """Yield the faults of the validation dataset that the training dataset does not have."""
    dataset = feed_check.validation or feed_check.dataset
    alone = replace(feed_check, dataset=dataset, validation=None)
    trained = chain(_input_faults(feed_check), _output_faults(feed_check))
    known = {detail for _, detail in islice(trained, MOST_FAULTS)}
    columns, recipe = _by_name(dataset), feed_check.recipe
    missing = MissingCheck(feed_check.request, recipe, columns, feed_check.dtypes, dataset.rows)
    unfilled = chain.from_iterable(
        missing.find_unfilled(columns[name]) for name in sorted(recipe.columns_read)
    )
    for _, detail in chain(_input_faults(alone), _output_faults(alone), unfilled):
        if detail not in known:
            yield place, detail


def _by_name(dataset: Dataset) -> dict[str, Column]:
    return {column.name: column for column in dataset.columns}
