"""Whether a dataset's columns fit the graph that they feed: asked before a job is accepted."""

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
class Feeding:
    """A job's recipe beside the data and the graph that it brings together."""

    request: JobRequest
    recipe: Recipe
    summary: Summary
    definition: GraphDefinition
    dataset: Dataset
    validation: Dataset | None
    targets: Mapping[str, TargetCheck] = field(default_factory=dict)
    """What the check found of the targets, by output."""

    def faults(self) -> list[Fault]:
        """Everything that does not fit, at its place in the job's request."""
        found = [*_row_faults(self), *_input_faults(self), *_output_faults(self)]
        found.extend(_validation_faults(self))
        return [Fault(pointer=pointer(*place), detail=detail) for place, detail in found]

    def warnings(self) -> list[str]:
        """What the client should know although the job is accepted."""
        named = (("dataset", self.dataset), ("validation dataset", self.validation))
        return [
            f"Column '{column.name}' of the {what} holds {column.not_finite} values that are "
            "NaN or infinite; the loss may become NaN."
            for what, dataset in named
            if dataset is not None
            for column in dataset.columns
            if column.not_finite and column.name in self.read
        ]

    @property
    def read(self) -> set[str]:
        """The columns that the job reads."""
        targets = {output.target for output in self.recipe.outputs.values()}
        weights = {output.sample_weight for output in self.recipe.outputs.values()}
        named = {*self.recipe.inputs.values(), *targets, *weights}
        return {name for name in named if name is not None}


Found = Iterator[tuple[Place, str]]


def _row_faults(feeding: Feeding) -> Found:
    rows, split = feeding.dataset.rows, feeding.request.fit.validation_split
    if rows == 0:
        yield ("dataset",), "The dataset has no rows."
    elif split and not 0 < count_training_rows(rows, split) < rows:
        kept = count_training_rows(rows, split)
        yield (
            ("fit", "validation_split"),
            f"Of {rows} rows a split of {split:g} leaves {kept} to train on and {rows - kept} to "
            "validate on; both need one at least.",
        )
    if split and feeding.validation is not None:
        yield ("fit", "validation_split"), "Give either this or a `validation_dataset`."
    if feeding.validation is not None and feeding.validation.rows == 0:
        yield ("validation_dataset",), "The dataset has no rows."


def _input_faults(feeding: Feeding) -> Found:
    columns = _by_name(feeding.dataset)
    indices = inputs.vocabularies(feeding.definition)
    for index, tensor in enumerate(feeding.summary.inputs):
        column = columns[feeding.recipe.inputs[tensor.name]]
        for detail in inputs.reasons_against(column, tensor, indices.get(tensor.name)):
            yield _place(feeding, "inputs", index, tensor.name), detail


def _output_faults(feeding: Feeding) -> Found:
    columns = _by_name(feeding.dataset)
    for index, tensor in enumerate(feeding.summary.outputs):
        output = feeding.recipe.outputs[tensor.name]
        check = feeding.targets.get(tensor.name)
        if check is not None and output.loss and output.target:
            values = find_misfits(columns[output.target], tensor.name, output.loss, check)
            for detail in (*check.faults, *values):
                yield _place(feeding, "targets", index, tensor.name), detail
        yield from _weight_faults(feeding, output, columns, tensor)


def _weight_faults(
    feeding: Feeding, output: OutputRecipe, columns: Mapping[str, Column], tensor: Tensor
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


def _place(feeding: Feeding, part: str, index: int, name: str) -> Place:
    """The place in the request of the column that feeds an input or output."""
    given, base = getattr(feeding.request.feed, part), ("feed", part)
    if isinstance(given, list):
        return (*base, _index_in(given, index, name, feeding, part))
    if isinstance(given, dict) and name in given:
        return (*base, name)
    return base


def _index_in(given: Sequence[object], index: int, name: str, feeding: Feeding, part: str) -> int:
    """A list of targets may leave out the outputs without a loss."""
    if part != "targets" or len(given) == len(feeding.recipe.outputs):
        return index
    trained = [n for n, output in feeding.recipe.outputs.items() if output.loss is not None]
    return trained.index(name)


def _validation_faults(feeding: Feeding) -> Found:
    if feeding.validation is None:
        return
    columns, place = _by_name(feeding.validation), ("validation_dataset",)
    for name in sorted(feeding.read):
        trained, other = _by_name(feeding.dataset)[name], columns.get(name)
        if other is None:
            yield place, f"The validation dataset has no column '{name}'."
        elif other.shape != trained.shape:
            yield (
                place,
                f"Column '{name}' has the shape {other.shape} here and {trained.shape} in the "
                "dataset that is trained on.",
            )
    if all(name in columns for name in feeding.read):
        yield from _elsewhere(feeding, place)


def _elsewhere(feeding: Feeding, place: Place) -> Found:
    """What is wrong with the values of the validation dataset alone."""
    alone = replace(feeding, dataset=feeding.validation or feeding.dataset, validation=None)
    known = {detail for _, detail in (*_input_faults(feeding), *_output_faults(feeding))}
    for _, detail in (*_input_faults(alone), *_output_faults(alone)):
        if detail not in known:
            yield place, detail


def _by_name(dataset: Dataset) -> dict[str, Column]:
    return {column.name: column for column in dataset.columns}
