"""Feeds rows to the training step: in memory by a gather of the graph, or read ahead from disk."""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from domain.job.resources import COLUMN_BYTES
from worker.training.rows.ahead import ReadAhead
from worker.training.rows.examples import Examples
from worker.training.rows.sources import TEXT_DTYPE, Array, ColumnSource, Shape, Source

Batch = tuple[tuple[Any, ...], dict[str, Any], dict[str, Any] | None]
"""Inputs in graph order, targets and sample weights by output: an argument of Keras's steps."""
Key = tuple[str, str]
"""What values are for, and the input or output: `("x", "age")`."""


@dataclass(frozen=True)
class Column:
    """The values of one input, target or weight, and the dtype to which they are cast."""

    source: Source
    dtype: "np.dtype[Any]"
    offsets: Array | int = 0
    """The rows of an example, counted from its first row: a number, or an array for a window."""

    @property
    def read_dtype(self) -> "np.dtype[Any]":
        """The dtype in which values are kept until they are on the device.

        The narrower one: `uint8` pixels become `float32` on the device.
        """
        have = self.source.dtype
        is_narrow = have.itemsize < self.dtype.itemsize and have.kind in "biuf"
        return have if is_narrow else self.dtype

    @property
    def shape(self) -> Shape:
        """The shape of one example."""
        return (*np.shape(self.offsets), *self.source.shape)

    def count_bytes(self, rows: int) -> float:
        """Returns the bytes of some rows in memory; infinity if it depends on the rows."""
        if None in self.source.shape or self.source.dtype == TEXT_DTYPE:
            return math.inf
        values = math.prod(axis or 0 for axis in self.source.shape)
        return rows * values * self.read_dtype.itemsize

    def take(self, starts: Array) -> Array:
        """Returns the values of examples, given the first row of each."""
        rows = np.add.outer(starts, self.offsets)
        values = self.source.take(rows.reshape(-1)).astype(self.read_dtype, copy=False)
        return values.reshape(*rows.shape, *values.shape[1:])


class Feed:
    """The examples of one dataset, in the structure that Keras's `train_step` takes."""

    def __init__(
        self,
        examples: Examples,
        inputs: Mapping[str, Column],
        targets: Mapping[str, Column | None],
        weights: Mapping[str, Column | None],
        constant_bytes: int = COLUMN_BYTES,
    ) -> None:
        """Loads small columns into memory.

        Args:
            examples: The rows of each example.
            inputs: The columns by input, in graph order.
            targets: The columns by output; None for an output without a loss.
            weights: The sample weights by output; None for an output without weights.
            constant_bytes: The maximum number of bytes of columns in memory.
        """
        self._examples = examples
        self._inputs, self._targets, self._weights = inputs, targets, weights
        roles = {"x": inputs, "y": targets, "w": weights}
        self._columns = {
            (role, name): column
            for role, named in roles.items()
            for name, column in named.items()
            if column is not None
        }
        self.rows = len(examples)
        self._weighted = any(column is not None for column in weights.values())
        self._gather = _Gather(examples, self._columns, constant_bytes)

    def follow(self, order: Array, batch_size: int, start: int) -> None:
        """Begins to read the batches of an epoch ahead.

        Args:
            order: The examples in the order in which they are used.
            batch_size: The number of examples of a batch.
            start: The first batch.
        """
        self._gather.follow(
            order[at : at + batch_size] for at in range(start * batch_size, len(order), batch_size)
        )

    def follow_rows(self, batch_size: int, start: int) -> None:
        """Begins to read the batches of all examples in their order ahead; see `follow`."""
        firsts = range(start * batch_size, self.rows, batch_size)
        self._gather.follow(np.arange(at, min(at + batch_size, self.rows)) for at in firsts)

    def gather_batch(self, indices: Any) -> Batch:
        """Returns the examples at `indices`, int64 of shape (rows,).

        It is called while a graph is traced, and casts to the dtypes of the graph.
        """
        return self._arrange(self._gather.gather(indices))

    def read_inputs(self, indices: Array) -> tuple[Array, ...]:
        """Returns the inputs of examples, outside any graph.

        Args:
            indices: The examples, int64 of shape (rows,).
        """
        starts = self._examples.find_starts(indices)
        columns = self._inputs.values()
        return tuple(column.take(starts).astype(column.dtype, copy=False) for column in columns)

    def split_by_length(self, indices: Array, names: Collection[str]) -> Iterator[Array]:
        """Yields examples in parts that need no padding in some inputs.

        Examples that have no item in one of these inputs are left out.

        Args:
            indices: The examples, int64 of shape (rows,).
            names: The inputs; other names are ignored.
        """
        sources = [column.source for name, column in self._inputs.items() if name in names]
        ragged = [source for source in sources if isinstance(source, ColumnSource)]
        ragged = [source for source in ragged if None in source.shape]
        if not ragged:
            yield indices
            return
        starts = self._examples.find_starts(indices)
        lengths = np.stack([source.count_items(starts) for source in ragged], axis=1)
        distinct, numbers = np.unique(lengths, axis=0, return_inverse=True)
        for number in np.flatnonzero(distinct.all(axis=1)):
            yield indices[numbers == number]

    def make_symbolic_batch(self, batch_size: int | None) -> Batch:
        """Returns a symbolic batch, from whose shapes metrics and optimizer are built."""
        return self._arrange(
            {
                key: keras.KerasTensor((batch_size, *column.shape), _name_dtype(column.dtype))
                for key, column in self._columns.items()
            }
        )

    def _arrange(self, tensors: Mapping[Key, Any]) -> Batch:
        x = tuple(tensors["x", name] for name in self._inputs)
        y = {name: tensors.get(("y", name)) for name in self._targets}
        weights = {name: tensors.get(("w", name)) for name in self._weights}
        return x, y, weights if self._weighted else None


class _Gather:
    """Gathers the values of examples: small columns are constants, the others are read ahead."""

    def __init__(
        self, examples: Examples, columns: Mapping[Key, Column], constant_bytes: int
    ) -> None:
        self._examples, self._columns = examples, columns
        self._constants: dict[Key, Any] = {}
        self._on_disk: dict[Key, Column] = {}
        free: float = constant_bytes
        rows = len(examples.rows)
        for key, column in sorted(columns.items(), key=lambda item: item[1].count_bytes(rows)):
            size = column.count_bytes(rows)
            if size <= free:
                free -= size
                self._constants[key] = tf.constant(_load(column, examples.rows))
            else:
                self._on_disk[key] = column
        self._starts = _make_starts(examples)
        self._ahead = ReadAhead(self._read)

    def follow(self, batches: Iterator[Array]) -> None:
        if self._on_disk:
            self._ahead.follow(batches)

    def gather(self, indices: Any) -> dict[Key, Any]:
        """Returns the tensors of the examples at `indices`, in the dtypes of the graph."""
        starts = indices if self._starts is None else tf.gather(self._starts, indices)
        found = {
            key: tf.gather(constant, _add_offsets(starts, self._columns[key].offsets))
            for key, constant in self._constants.items()
        }
        if self._on_disk:
            found |= self._read_in_graph(indices)
        return {key: _cast(tensor, self._columns[key].dtype) for key, tensor in found.items()}

    def _read(self, indices: Array) -> list[Array]:
        starts = self._examples.find_starts(indices)
        return [column.take(starts) for column in self._on_disk.values()]

    def _read_in_graph(self, indices: Any) -> dict[Key, Any]:
        dtypes = [_find_tf_dtype(column.read_dtype) for column in self._on_disk.values()]
        tensors = tf.numpy_function(self._ahead.take, [indices], dtypes, stateful=False)
        for tensor, column in zip(tensors, self._on_disk.values(), strict=True):
            tensor.set_shape((*indices.shape, *column.shape))
        return dict(zip(self._on_disk, tensors, strict=True))


def _load(column: Column, rows: range) -> Array:
    return column.source.take(np.arange(rows.start, rows.stop)).astype(
        column.read_dtype, copy=False
    )


def _make_starts(examples: Examples) -> Any:
    """Returns the first row of each example among the rows in memory; None if they are equal."""
    if examples.starts is None:
        return None
    return tf.constant(examples.starts - examples.rows.start)


def _add_offsets(starts: Any, offsets: Array | int) -> Any:
    if isinstance(offsets, int):
        return starts if offsets == 0 else starts + offsets
    return starts[:, tf.newaxis] + tf.constant(offsets, starts.dtype)


def _cast(tensor: Any, dtype: "np.dtype[Any]") -> Any:
    wanted = _find_tf_dtype(dtype)
    return tensor if tensor.dtype == wanted else tf.cast(tensor, wanted)


def _find_tf_dtype(dtype: "np.dtype[Any]") -> Any:
    return tf.string if dtype == TEXT_DTYPE else tf.as_dtype(dtype)


def _name_dtype(dtype: "np.dtype[Any]") -> str:
    return "string" if dtype == TEXT_DTYPE else dtype.name


def make_column(source: Source | None, offset: int = 0) -> Column | None:
    """Casts floats of any width to float32, as Keras's `fit` does; keeps other dtypes."""
    if source is None:
        return None
    is_float = source.dtype != TEXT_DTYPE and source.dtype.kind not in "biu"
    return Column(source, np.dtype(np.float32) if is_float else source.dtype, offset)


def make_input(source: Source, dtype: str, offsets: Array | None) -> Column:
    """Casts the values of an input to its dtype."""
    wanted = TEXT_DTYPE if dtype == "string" else np.dtype(tf.as_dtype(dtype).as_numpy_dtype)
    make = partial(Column, source, source.dtype if source.dtype == TEXT_DTYPE else wanted)
    return make() if offsets is None else make(offsets)
