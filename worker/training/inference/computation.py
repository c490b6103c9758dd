"""Computes the outputs of a model for chunks of rows, in batches of one shape."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from worker.training.rows.feed import Column
from worker.training.rows.sources import TEXT_DTYPE, Array, ColumnSource
from worker.training.steps import Pace

Arrays = Sequence[Array]
"""One array for each input or output, in graph order."""


@dataclass(frozen=True)
class Outputs:
    """The values of one output for some rows."""

    values: Array
    """Of shape (rows, *shape of a row). Of rows that differ in length, (items, *shape of an item)
    with the items of all rows."""
    lengths: Array | None = None
    """The number of items of each row, if rows differ in length."""


@dataclass(frozen=True)
class OutputSpec:
    """The dtype and the shape of one row of an output."""

    dtype: "np.dtype[Any]"
    """NumPy's dtype; objects for text."""
    shape: tuple[int | None, ...]
    """None in its first place if rows differ in length."""


class Computation:
    """Computes the outputs for inputs whose rows have equal lengths.

    Each batch has the same number of rows, so that the graph has one shape. The rows that are left
    over at the end have a graph of their own, since a layer may compare the rows of a batch.
    """

    def __init__(self, model: Any, inputs: Mapping[str, Column], batch_size: int) -> None:
        """Traces the model.

        Args:
            model: A model whose outputs are a dictionary.
            inputs: The columns by input, in graph order.
            batch_size: The rows of a batch.
        """
        self._model = model
        self._batch_size, self._columns = batch_size, list(inputs.values())
        self._forward = _trace(model, self._columns, batch_size)
        self.specs = _describe(self._forward)
        self._pace = Pace()
        signature = [
            tf.TensorSpec((None, *column.shape), find_tf_dtype(column.read_dtype))
            for column in self._columns
        ]
        self._run = tf.function(self._make_run(), input_signature=signature, autograph=False)

    def _make_run(self) -> Callable[..., Any]:
        size, forward = self._batch_size, self._forward
        names = list(self.specs)

        def run(*arrays: Any) -> dict[str, Any]:
            count = tf.shape(arrays[0])[0] // size
            shapes = forward.structured_outputs
            begun = [
                tf.TensorArray(shapes[name].dtype, count, element_shape=shapes[name].shape)
                for name in names
            ]

            def body(at: Any, results: list[Any]) -> tuple[Any, list[Any]]:
                batch = [array[at * size : (at + 1) * size] for array in arrays]
                for tensor in batch:
                    tensor.set_shape((size, *tensor.shape[1:]))
                found = forward(*batch)
                pairs = zip(names, results, strict=True)
                return at + 1, [result.write(at, found[name]) for name, result in pairs]

            loop = (tf.constant(0), begun)
            _, ended = tf.while_loop(lambda at, _: at < count, body, loop, parallel_iterations=1)
            pairs = zip(names, ended, strict=True)
            return {name: result.concat() for name, result in pairs}

        return run

    def compute(self, arrays: Arrays, progress: Callable[[int], None]) -> dict[str, Outputs]:
        """Returns the outputs for some rows, by name.

        Args:
            arrays: The inputs, each of shape (rows, ...).
            progress: Called with the number of finished rows, a few times in a second at most.
        """
        rows, size = len(arrays[0]), self._batch_size
        whole = rows // size * size
        parts: list[dict[str, Array]] = []
        start = 0
        while start < whole:
            stop = min(start + self._pace.steps * size, whole)
            began = time.perf_counter()
            found = self._run(*(tf.constant(array[start:stop]) for array in arrays))
            parts.append({name: np.asarray(tensor) for name, tensor in found.items()})
            self._pace.measure((stop - start) // size, time.perf_counter() - began)
            start = stop
            progress(start)
        if whole < rows:
            forward = _trace(self._model, self._columns, rows - whole)
            found = forward(*(tf.constant(array[whole:]) for array in arrays))
            parts.append({name: np.asarray(tensor) for name, tensor in found.items()})
            progress(rows)
        return {name: Outputs(_join([part[name] for part in parts])) for name in self.specs}


class RaggedComputation:
    """Computes the outputs for inputs whose rows differ in length.

    A batch has rows of equal lengths, so that no row is padded: an output is that of the row alone.
    Rows without an item have one of padding, as in the training.
    """

    def __init__(self, model: Any, inputs: Mapping[str, Column], batch_size: int) -> None:
        """Traces the model; see `Computation`."""
        self._batch_size, self._columns = batch_size, list(inputs.values())
        self._forward = _trace(model, self._columns, None)
        self.specs = _describe(self._forward)

    def compute(
        self, lengths: Array, read: Callable[[Array], Arrays], progress: Callable[[int], None]
    ) -> dict[str, Outputs]:
        """Returns the outputs for some rows, by name.

        Args:
            lengths: The lengths of each row, of shape (rows, inputs of differing length).
            read: Returns the inputs of rows by their position.
            progress: Called with the number of finished rows.
        """
        found: dict[str, list[tuple[Array, Array]]] = {name: [] for name in self.specs}
        done = 0
        for rows in self._list_batches(lengths):
            tensors = self._forward(*(tf.constant(array) for array in read(rows)))
            for name, tensor in tensors.items():
                found[name].append((rows, np.asarray(tensor)))
            done += len(rows)
            progress(done)
        empty: Array = np.asarray(~lengths.any(axis=1))
        return {name: self._arrange(name, parts, empty) for name, parts in found.items()}

    def _list_batches(self, lengths: Array) -> Iterator[Array]:
        """Yields the positions of rows of equal lengths."""
        _, numbers = np.unique(np.maximum(lengths, 1), axis=0, return_inverse=True)
        order = np.argsort(numbers.reshape(-1), kind="stable")
        ends = np.cumsum(np.bincount(numbers.reshape(-1)))
        for start, end in zip([0, *ends[:-1].tolist()], ends.tolist(), strict=True):
            for at in range(start, end, self._batch_size):
                yield order[at : min(at + self._batch_size, end)]

    def _arrange(self, name: str, parts: list[tuple[Array, Array]], empty: Array) -> Outputs:
        """Returns the values in the order of the rows."""
        spec, first = self.specs[name], parts[0][1]
        if None not in spec.shape[:1]:
            values = np.empty((len(empty), *first.shape[1:]), first.dtype)
            for rows, array in parts:
                values[rows] = array
            return Outputs(values)
        lengths = np.zeros(len(empty), np.int64)
        for rows, array in parts:
            lengths[rows] = np.where(empty[rows], 0, array.shape[1])
        starts = np.cumsum(lengths) - lengths
        values = np.empty((int(lengths.sum()), *first.shape[2:]), first.dtype)
        for rows, array in parts:
            kept = ~empty[rows]
            places = starts[rows][kept][:, np.newaxis] + np.arange(array.shape[1])
            values[places] = array[kept]
        return Outputs(values, lengths)


def count_lengths(inputs: Mapping[str, Column], starts: Array) -> Array:
    """Returns the lengths of rows in the inputs whose rows differ in length.

    Args:
        inputs: The columns by input.
        starts: The first row of each example.

    Returns:
        An array of shape (examples, inputs of differing length).
    """
    ragged = [column.source for column in inputs.values() if is_ragged(column)]
    counts = [source.count_items(starts) for source in ragged if isinstance(source, ColumnSource)]
    return np.stack(counts, axis=1)


def is_ragged(column: Column) -> bool:
    """Returns whether the rows of an input differ in length."""
    return None in column.shape


def find_tf_dtype(dtype: "np.dtype[Any]") -> Any:
    """Returns TensorFlow's dtype; that of objects is `string`."""
    return tf.string if dtype == TEXT_DTYPE else tf.as_dtype(dtype)


def _trace(model: Any, columns: Sequence[Column], batch_size: int | None) -> Any:
    """Returns the graph of a model for inputs as they are read."""

    def forward(*arrays: Any) -> dict[str, Any]:
        pairs = zip(arrays, columns, strict=True)
        inputs = [
            tf.cast(a, d) if a.dtype != (d := find_tf_dtype(c.dtype)) else a for a, c in pairs
        ]
        outputs: dict[str, Any] = model(inputs, training=False)
        return {name: tf.identity(tensor) for name, tensor in outputs.items()}

    specs = [
        tf.TensorSpec((batch_size, *column.shape), find_tf_dtype(column.read_dtype))
        for column in columns
    ]
    return tf.function(forward, autograph=False).get_concrete_function(*specs)


def _cast(tensor: Any, dtype: "np.dtype[Any]") -> Any:
    wanted = find_tf_dtype(dtype)
    return tensor if tensor.dtype == wanted else tf.cast(tensor, wanted)


def _describe(forward: Any) -> dict[str, OutputSpec]:
    return {
        name: OutputSpec(
            TEXT_DTYPE if spec.dtype == tf.string else np.dtype(spec.dtype.as_numpy_dtype),
            tuple(spec.shape[1:]),
        )
        for name, spec in forward.structured_outputs.items()
    }


def _join(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
