"""Feeds rows to the training step: the graph gathers them by row index from columns on disk."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from domain.job.recipe import Recipe
from domain.job.resources import COLUMN_BYTES
from worker.training.sample_weights import compute_sample_weights

Batch = tuple[tuple[Any, ...], dict[str, Any], dict[str, Any] | None]
"""Inputs in graph order, targets and sample weights by output: an argument of Keras's steps."""


@dataclass(frozen=True)
class Column:
    """The rows of one column, and the dtype to which they are cast."""

    array: np.ndarray[Any, Any]
    dtype: np.dtype[Any]

    @property
    def bytes(self) -> int:
        """Bytes in memory after the cast."""
        return self.array.size * self.dtype.itemsize


class Feed:
    """The rows of one dataset, in the structure that Keras's `train_step` takes."""

    def __init__(
        self,
        inputs: Mapping[str, Column],
        targets: Mapping[str, Column | None],
        weights: Mapping[str, Column | None],
        constant_bytes: int = COLUMN_BYTES,
    ) -> None:
        """Loads small columns into memory.

        Args:
            inputs: The columns by input, in graph order.
            targets: The columns by output; None for an output without a loss.
            weights: The sample weights by output; None for an output without weights.
            constant_bytes: The maximum number of bytes of columns in memory.
        """
        self._inputs, self._targets, self._weights = inputs, targets, weights
        roles = {"x": inputs, "y": targets, "w": weights}
        self._columns = {
            (role, name): column
            for role, named in roles.items()
            for name, column in named.items()
            if column is not None
        }
        self.rows = len(next(iter(inputs.values())).array)
        self._weighted = any(column is not None for column in weights.values())
        self._gather = _make_gather(self._columns, constant_bytes)

    def gather_batch(self, indices: Any) -> Batch:
        """Returns the rows at `indices`, int64 of shape (rows,); called while a graph is traced."""
        return self._arrange(self._gather(indices))

    def make_symbolic_batch(self, batch_size: int | None) -> Batch:
        """Returns a symbolic batch, from whose shapes metrics and optimizer are built."""
        return self._arrange(
            {
                key: keras.KerasTensor((batch_size, *column.array.shape[1:]), column.dtype.name)
                for key, column in self._columns.items()
            }
        )

    def _arrange(self, tensors: Mapping[tuple[str, str], Any]) -> Batch:
        x = tuple(tensors["x", name] for name in self._inputs)
        y = {name: tensors.get(("y", name)) for name in self._targets}
        weights = {name: tensors.get(("w", name)) for name in self._weights}
        return x, y, weights if self._weighted else None


def open_feed(
    recipe: Recipe,
    dtypes: Mapping[str, str],
    columns: Mapping[str, Path],
    rows: slice = slice(None),
    *,
    training: bool = True,
    constant_bytes: int = COLUMN_BYTES,
) -> Feed:
    """Opens the columns that a recipe names.

    Args:
        recipe: Maps columns to inputs, targets and sample weights.
        dtypes: The dtype of each input of the graph.
        columns: The `.npy` file of each column.
        rows: The rows to use.
        training: Whether class weights apply; as in Keras, they do not in validation.
        constant_bytes: The maximum number of bytes of columns in memory.
    """
    arrays = {name: np.load(path, mmap_mode="r")[rows] for name, path in columns.items()}
    inputs = {
        name: Column(arrays[column], _get_input_dtype(arrays[column], dtypes[name]))
        for name, column in recipe.inputs.items()
    }
    targets = {
        name: _make_column(None if output.target is None else arrays[output.target])
        for name, output in recipe.outputs.items()
    }
    weights = {
        name: _make_column(compute_sample_weights(output, arrays, apply_class_weights=training))
        for name, output in recipe.outputs.items()
    }
    return Feed(inputs, targets, weights, constant_bytes)


def _get_input_dtype(array: np.ndarray[Any, Any], dtype: str) -> np.dtype[Any]:
    return array.dtype if dtype == "string" else np.dtype(tf.as_dtype(dtype).as_numpy_dtype)


def _make_column(array: np.ndarray[Any, Any] | None) -> Column | None:
    """Casts floats of any width to float32, as Keras's `fit` does; keeps other dtypes."""
    if array is None:
        return None
    return Column(array, np.dtype(np.float32) if array.dtype.kind == "f" else array.dtype)


def _make_gather(
    columns: Mapping[tuple[str, str], Column], constant_bytes: int
) -> Callable[[Any], dict[tuple[str, str], Any]]:
    """Returns a function from row indices, of shape (rows,), to the rows of each column.

    Small columns are constants; the others are read from disk, in one call for each batch.
    """
    constants, on_disk, free = {}, {}, constant_bytes
    for key, column in sorted(columns.items(), key=lambda item: item[1].bytes):
        if column.bytes <= free:
            free -= column.bytes
            constants[key] = tf.constant(column.array.astype(column.dtype, copy=False))
        else:
            on_disk[key] = column

    def gather(indices: Any) -> dict[tuple[str, str], Any]:
        tensors = {key: tf.gather(constant, indices) for key, constant in constants.items()}
        return tensors | (_read(on_disk, indices) if on_disk else {})

    return gather


def _read(on_disk: Mapping[tuple[str, str], Column], indices: Any) -> dict[tuple[str, str], Any]:
    def rows_at(at: np.ndarray[Any, Any]) -> list[np.ndarray[Any, Any]]:
        return [
            np.asarray(column.array[at]).astype(column.dtype, copy=False)
            for column in on_disk.values()
        ]

    dtypes = [tf.as_dtype(column.dtype) for column in on_disk.values()]
    tensors = tf.numpy_function(rows_at, [indices], dtypes, stateful=False)
    for tensor, column in zip(tensors, on_disk.values(), strict=True):
        tensor.set_shape((*indices.shape, *column.array.shape[1:]))
    return dict(zip(on_disk, tensors, strict=True))
