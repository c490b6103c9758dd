"""Checks whether the columns of a dataset fit the graph that they feed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from domain.dataset import Column, Dataset
from domain.dtype import kind_of
from domain.errors import Fault
from domain.graph.language import GraphDefinition
from domain.graph.shapes import fits
from domain.graph.summary import Summary, Tensor
from domain.graph.walk import Place
from domain.job import inputs
from domain.job.job import JobRequest
from domain.job.recipe import OutputRecipe, Recipe
from domain.job.split import count_training_rows
from domain.job.targets import TargetCheck, find_misfits
from domain.pointer import pointer


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

    def find_faults(self) -> list[Fault]:
        """Return every fault, at its place in the job's request."""
        found = [*_row_faults(self), *_input_faults(self), *_output_faults(self)]
        found.extend(_validation_faults(self))
        return [Fault(pointer=pointer(*place), detail=detail) for place, detail in found]

    def find_warnings(self) -> list[str]:
        """Return the warnings of a job that is accepted."""
        named = (("dataset", self.dataset), ("validation dataset", self.validation))
        return [
            f"Column '{column.name}' of the {what} has {column.not_finite} values that are "
            "NaN or infinite; the loss may become NaN."
            for what, dataset in named
            if dataset is not None
            for column in dataset.columns
            if column.not_finite and column.name in self.columns_read
        ]

    @property
    def columns_read(self) -> set[str]:
        """The columns that the job reads."""
        targets = {output.target for output in self.recipe.outputs.values()}
        weights = {output.sample_weight for output in self.recipe.outputs.values()}
        named = {*self.recipe.inputs.values(), *targets, *weights}
        return {name for name in named if name is not None}


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
    if split and feed_check.validation is not None:
        detail = "Give a `validation_split` or a `validation_dataset`, not both."
        yield ("fit", "validation_split"), detail
    if feed_check.validation is not None and feed_check.validation.rows == 0:
        yield ("validation_dataset",), "The dataset has no rows."


def _input_faults(feed_check: FeedCheck) -> Found:
    columns = _by_name(feed_check.dataset)
    indices = inputs.find_embedding_sizes(feed_check.definition)
    for index, tensor in enumerate(feed_check.summary.inputs):
        column = columns[feed_check.recipe.inputs[tensor.name]]
        for detail in inputs.find_misfits(column, tensor, indices.get(tensor.name)):
            yield _place(feed_check, "inputs", index, tensor.name), detail


def _output_faults(feed_check: FeedCheck) -> Found:
    columns = _by_name(feed_check.dataset)
    for index, tensor in enumerate(feed_check.summary.outputs):
        output = feed_check.recipe.outputs[tensor.name]
        check = feed_check.targets.get(tensor.name)
        if check is not None and output.loss and output.target:
            values = find_misfits(columns[output.target], tensor.name, output.loss, check)
            for detail in (*check.faults, *values):
                yield _place(feed_check, "targets", index, tensor.name), detail
        yield from _weight_faults(feed_check, output, columns, tensor)


def _weight_faults(
    feed_check: FeedCheck, output: OutputRecipe, columns: Mapping[str, Column], tensor: Tensor
) -> Found:
    if output.sample_weight is None:
        return
    column, place = columns[output.sample_weight], ("feed", "sample_weights", tensor.name)
    if kind_of(column.dtype) == "text":
        yield place, f"Column '{column.name}' is {column.dtype}; weights are numbers."
    leading = tensor.shape[1:-1]
    allowed = [leading[:axes] for axes in range(len(leading) + 1)] + [[*leading, 1]]
    if not any(fits(column.shape, shape) for shape in allowed):
        yield (
            place,
            f"Column '{column.name}' has the shape {column.shape} in each row; a weight for each "
            f"row of output '{tensor.name}' is a single number.",
        )


def _place(feed_check: FeedCheck, part: str, index: int, name: str) -> Place:
    """The place in the request of the column that feeds an input or output."""
    given, base = getattr(feed_check.request.feed, part), ("feed", part)
    if isinstance(given, list):
        return (*base, _index_in(given, index, name, feed_check, part))
    if isinstance(given, dict) and name in given:
        return (*base, name)
    return base


def _index_in(
    given: Sequence[object], index: int, name: str, feed_check: FeedCheck, part: str
) -> int:
    """A list of targets may leave out the outputs without a loss."""
    if part != "targets" or len(given) == len(feed_check.recipe.outputs):
        return index
    trained = [n for n, output in feed_check.recipe.outputs.items() if output.loss is not None]
    return trained.index(name)


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
                f"Column '{name}' has the shape {other.shape} here and {trained.shape} in the "
                "training dataset.",
            )
    if all(name in columns for name in feed_check.columns_read):
        yield from _validation_value_faults(feed_check, place)


def _validation_value_faults(feed_check: FeedCheck, place: Place) -> Found:
    """Yield the faults of the validation dataset that the training dataset does not have."""
    dataset = feed_check.validation or feed_check.dataset
    alone = replace(feed_check, dataset=dataset, validation=None)
    known = {detail for _, detail in (*_input_faults(feed_check), *_output_faults(feed_check))}
    for _, detail in (*_input_faults(alone), *_output_faults(alone)):
        if detail not in known:
            yield place, detail


def _by_name(dataset: Dataset) -> dict[str, Column]:
    return {column.name: column for column in dataset.columns}
