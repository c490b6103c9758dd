"""Prepares the data of a training: opens columns, learns from the training rows, makes feeds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from pydantic import JsonValue

from compiler.training.positions import ONE_EACH, Positions
from domain.check import ColumnSpec
from domain.job.recipe import OutputRecipe, Recipe
from domain.job.resources import COLUMN_BYTES
from domain.job.split import count_training_rows
from models_store.datasets.columns.read import StoredColumn, open_column
from worker.protocol.tasks import ColumnFiles, TrainTask
from worker.training.errors import CannotTrain
from worker.training.rows.examples import Examples, find_examples
from worker.training.rows.feed import Column, Feed, make_column, make_input
from worker.training.rows.fills import describe_fills, learn_fills
from worker.training.rows.sources import (
    TEXT_DTYPE,
    Array,
    ClassSource,
    ColumnSource,
    LastAxis,
    SideBySide,
    Source,
    WeightSource,
)

Columns = Mapping[str, StoredColumn]
FIRST_DTYPE = np.dtype(np.float64)
"""The dtype of columns side by side that have several dtypes, before the cast to the input's."""


@dataclass(frozen=True)
class DataPart:
    """The rows that train, or those that validate."""

    columns: Columns
    examples: Examples
    trains: bool = True
    """Whether class weights apply; as in Keras, they do not in validation."""


@dataclass(frozen=True)
class PreparedData:
    """The data of a training, with what was learned from the rows that train."""

    recipe: Recipe
    dtypes: Mapping[str, str]
    """The dtype of each input of the graph."""
    training: DataPart
    validation: DataPart | None
    fills: Mapping[str, Array] = field(default_factory=dict)
    """The value in place of missing ones, by column."""

    def describe_targets(self) -> dict[str, ColumnSpec]:
        """Returns the dtype and the shape of each target as it is fed, by output."""
        found: dict[str, ColumnSpec] = {}
        for name, output in self.recipe.outputs.items():
            source = make_target(output, self.training.columns, self.fills)
            if source is not None:
                dtype = "string" if source.dtype == TEXT_DTYPE else source.dtype.name
                found[name] = ColumnSpec(dtype=dtype, shape=list(source.shape))
        return found

    def describe_missing(self) -> dict[str, JsonValue]:
        """Returns what takes the place of missing values by input; see `Signature.missing`."""
        return describe_fills(self.recipe, self.training.columns, self.fills)

    def make_feed(
        self,
        part: DataPart,
        positions: Mapping[str, Positions] = MappingProxyType({}),
        constant_bytes: int = COLUMN_BYTES,
    ) -> Feed:
        """Makes the feed of a part.

        Args:
            part: The rows that train, or those that validate.
            positions: The values of the loss of each output with weights or a mask; by default,
                one value for each row.
            constant_bytes: The maximum number of bytes of columns in memory.
        """
        return _FeedMaker(self, part, positions).make(constant_bytes)

    def make_inputs(self, part: DataPart) -> dict[str, Column]:
        """Returns the columns of a part by input, in graph order."""
        return _FeedMaker(self, part, {}).make_inputs()

    def count_lengths(self) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        """Returns the length of each training example: that of its longest input."""
        part = self.training
        named = {name for columns in self.recipe.inputs.values() for name in columns}
        ragged = [part.columns[name] for name in named if part.columns[name].is_ragged]
        rows = part.examples.find_starts(np.arange(len(part.examples)))
        lengths = np.zeros(len(rows), np.int64)
        for column in ragged:
            lengths = np.maximum(lengths, column.count_items(rows))
        return lengths


def prepare_data(task: TrainTask) -> PreparedData:
    """Opens the columns of a task, splits their rows, and learns from those that train.

    Raises:
        CannotTrain: A part has no rows, or a column has no value to learn from.
    """
    columns = open_columns(task.columns)
    rows, validation_rows = _split(task, columns)
    training = DataPart(columns, find_examples(task.recipe, columns, rows, "train on"))
    validation: DataPart | None = None
    if task.validation_columns is not None:
        others = open_columns(task.validation_columns)
        validation = _make_validation(task.recipe, others, range(_count_rows(others)))
    elif validation_rows:
        validation = _make_validation(task.recipe, columns, validation_rows)
    dtypes = {tensor.name: tensor.dtype for tensor in task.summary.inputs}
    fills = learn_fills(task.recipe, columns, rows)
    return PreparedData(task.recipe, dtypes, training, validation, fills)


def _make_validation(recipe: Recipe, columns: Columns, rows: range) -> DataPart:
    examples = find_examples(recipe, columns, rows, "validate on")
    return DataPart(columns, examples, trains=False)


def _split(task: TrainTask, columns: Columns) -> tuple[range, range]:
    """Returns the rows that train and those that validate, split as Keras's `fit` splits them.

    Rows are split before windows are made, so that no window of the validation has a row that
    trains.
    """
    rows = _count_rows(columns)
    if task.validation_columns is not None or not task.fit.validation_split:
        return range(rows), range(0)
    split = count_training_rows(rows, task.fit.validation_split)
    if split in (0, rows):
        share = task.fit.validation_split
        detail = f"A validation_split of {share} leaves one side of {rows} rows empty."
        raise CannotTrain(detail, "/fit/validation_split")
    return range(split), range(split, rows)


def _count_rows(columns: Columns) -> int:
    return len(next(iter(columns.values())))


def open_columns(files: Mapping[str, ColumnFiles]) -> dict[str, StoredColumn]:
    """Opens columns by memory map, by name."""
    return {
        name: open_column(column.dtype, column.shape, column.files)
        for name, column in files.items()
    }


def open_feed(
    recipe: Recipe,
    dtypes: Mapping[str, str],
    files: Mapping[str, ColumnFiles],
    rows: range | None = None,
    *,
    training: bool = True,
    positions: Mapping[str, Positions] = MappingProxyType({}),
    constant_bytes: int = COLUMN_BYTES,
) -> Feed:
    """Opens the columns that a recipe names, and makes a feed that learns from its own rows.

    Args:
        recipe: Maps columns to inputs, targets and sample weights.
        dtypes: The dtype of each input of the graph.
        files: The files of each column.
        rows: The rows to use; None: all.
        training: Whether class weights apply.
        positions: The values of the loss of each output with weights or a mask.
        constant_bytes: The maximum number of bytes of columns in memory.
    """
    columns = open_columns(files)
    rows = range(_count_rows(columns)) if rows is None else rows
    part = DataPart(columns, find_examples(recipe, columns, rows, "train on"), training)
    fills = learn_fills(recipe, columns, rows)
    return PreparedData(recipe, dtypes, part, None, fills).make_feed(
        part, positions, constant_bytes
    )


def make_target(
    output: OutputRecipe, columns: Columns, fills: Mapping[str, Array]
) -> Source | None:
    """Returns the values of a target, encoded if it has classes; None without a target."""
    if output.target is None:
        return None
    source = ColumnSource(columns[output.target], fills.get(output.target))
    if output.classes is None:
        return source
    return ClassSource(source, output.classes, one_hot=output.one_hot)


@dataclass(frozen=True)
class _FeedMaker:
    """Makes the sources of the inputs, targets and weights of one part."""

    data: PreparedData
    part: DataPart
    positions: Mapping[str, Positions]

    def make(self, constant_bytes: int) -> Feed:
        recipe, examples = self.data.recipe, self.part.examples
        offset = examples.target_offset
        inputs = self.make_inputs()
        targets = {
            name: make_column(self._make_target(name, output), offset)
            for name, output in recipe.outputs.items()
        }
        weights = {
            name: make_column(self._make_weights(name, output), offset)
            for name, output in recipe.outputs.items()
        }
        return Feed(examples, inputs, targets, weights, constant_bytes)

    def make_inputs(self) -> dict[str, Column]:
        offsets = self.part.examples.offsets
        return {
            name: make_input(self._make_input(columns), self.data.dtypes[name], offsets)
            for name, columns in self.data.recipe.inputs.items()
        }

    def _open(self, name: str) -> Source:
        return ColumnSource(self.part.columns[name], self.data.fills.get(name))

    def _make_input(self, names: list[str]) -> Source:
        sources = [self._open(name) for name in names]
        return sources[0] if len(sources) == 1 else SideBySide(sources, FIRST_DTYPE)

    def _make_target(self, name: str, output: OutputRecipe) -> Source | None:
        source = make_target(output, self.part.columns, self.data.fills)
        expands = self._positions(name).expands_target
        return LastAxis(source) if source is not None and expands else source

    def _make_weights(self, name: str, output: OutputRecipe) -> Source | None:
        weighs = output.class_weight if self.part.trains and output.target else None
        if not output.is_weighable or (output.sample_weight is None and not weighs):
            return None
        sources: dict[str, Source] = {}
        if output.sample_weight is not None:
            sources[output.sample_weight] = self._open(output.sample_weight)
        if output.target is not None:
            target = make_target(output, self.part.columns, self.data.fills)
            assert target is not None
            sources[output.target] = target
        shape = self._positions(name).shape
        return WeightSource(output, sources, shape, apply_class_weights=self.part.trains)

    def _positions(self, name: str) -> Positions:
        return self.positions.get(name, ONE_EACH)
