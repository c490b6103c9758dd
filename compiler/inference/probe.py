"""Makes the rows with which a model's ONNX file is compared with Keras."""

from collections.abc import Iterator, Mapping
from math import prod
from typing import Any

import numpy as np

from compiler.inference.edge_values import list_edge_values, list_non_finite_values
from compiler.inference.forward import Array

LENGTHS = (7, 1, 2, 32)
"""The lengths of unknown axes."""
ROWS = (1, 2, 7)
"""The numbers of rows of batches with values drawn at random."""
MOST_VALUES = 2**18
"""Maximum number of values in one input of a batch of more than two rows."""
_LARGEST = 1e20
"""Maximum magnitude of floats."""
_MODERATE = 16.0
"""Maximum magnitude of the values that a row mixes with others."""


def make_batches(
    model: Any, sizes: Mapping[int, int], *, with_finite_only: bool
) -> Iterator[list[Array]]:
    """Make batches of rows that a model accepts, always the same for a model.

    Args:
        model: A Keras model.
        sizes: The number of indices that an input takes, by the input's position.
        with_finite_only: Whether to give no NaN and no infinities.

    Yields:
        An array of shape (rows, ...) for each input, in the order of the inputs.
    """
    random = np.random.default_rng(0)
    has_unknown = any(None in item.shape[1:] for item in model.inputs)
    for length in LENGTHS if has_unknown else LENGTHS[:1]:
        inputs = [_Input(item, length, sizes.get(i)) for i, item in enumerate(model.inputs)]
        most = max(2, MOST_VALUES // max(1, *(prod(item.shape) for item in inputs)))
        yield _make_uniform(inputs, most)
        for rows in sorted({min(rows, most) for rows in ROWS}):
            yield [item.draw_moderate(rows, random) for item in inputs]
            yield [item.draw_unit(rows, random) for item in inputs]
        if not with_finite_only:
            yield [item.draw_non_finite(min(ROWS[-1], most), random) for item in inputs]


class _Input:
    """One input of a model, and the values to give to it."""

    def __init__(self, tensor: Any, length: int, size: int | None) -> None:
        self.shape = tuple(length if axis is None else axis for axis in tensor.shape[1:])
        self._dtype = tensor.dtype
        values = _list_values(tensor.dtype)
        self.values = values if size is None else values[(values >= 0) & (values < size)]
        self._size = size

    def fill(self, index: int) -> Array:
        """Return a row that repeats one edge value."""
        value = self.values[index % len(self.values)]
        return np.full(self.shape, value, self.values.dtype)

    def draw_moderate(self, rows: int, random: np.random.Generator) -> Array:
        """Draw edge values of moderate magnitude."""
        return random.choice(self._moderate, (rows, *self.shape))

    def draw_unit(self, rows: int, random: np.random.Generator) -> Array:
        """Draw numbers from [0, 1), indices, or other values of the dtype."""
        if self._size is not None:
            return random.integers(0, self._size, (rows, *self.shape)).astype(self._dtype)
        if "float" not in self._dtype:
            return random.choice(self.values, (rows, *self.shape))
        return random.random((rows, *self.shape)).astype(self.values.dtype)

    def draw_non_finite(self, rows: int, random: np.random.Generator) -> Array:
        """Draw rows of moderate values, and put NaN or an infinity into some places of each row."""
        drawn = self.draw_moderate(rows, random)
        special = list_non_finite_values(self._dtype)
        for i in range(rows if special.size else 0):
            places = random.random(self.shape) < 0.2
            places.flat[:1] = True
            drawn[i][places] = special[i % special.size]
        return drawn

    @property
    def _moderate(self) -> Array:
        if "float" not in self._dtype:
            return self.values
        return self.values[np.abs(self.values.astype(np.float64)) <= _MODERATE]


def _list_values(dtype: str) -> Array:
    """List the edge values of a dtype, but no floats with which a sum overflows.

    Whether such a sum is finite depends on the order of its terms.
    """
    values = list_edge_values(dtype)
    return values[np.abs(values.astype(np.float64)) <= _LARGEST] if "float" in dtype else values


def _make_uniform(inputs: list[_Input], most: int) -> list[Array]:
    """Make rows that repeat one edge value of each input.

    Args:
        inputs: The inputs.
        most: Maximum number of rows. If there are more values, they are taken at equal distances.
    """
    count = max(len(item.values) for item in inputs)
    places = np.linspace(0, count - 1, min(count, most)).astype(int)
    return [
        np.stack([item.fill(place * (i + 1)) for place in places]) for i, item in enumerate(inputs)
    ]
