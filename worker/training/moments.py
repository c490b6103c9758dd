"""Mean and variance of arrays that arrive in blocks of rows."""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


class Moments:
    """The mean and the variance along the axes that a `Normalization` does not keep.

    Blocks are merged by the formula of Chan, Golub and LeVeque (1979) in float64, so that no number
    of rows loses digits.
    """

    def __init__(self, ndim: int, axis: int | list[int] | None) -> None:
        """Starts without rows.

        Args:
            ndim: The number of axes of a block, with that of the rows.
            axis: The axes that are kept, as Keras's `Normalization` takes them.
        """
        listed = [] if axis is None else [axis] if isinstance(axis, int | float) else axis
        kept = {int(a) % ndim for a in listed}
        self._reduced = tuple(a for a in range(ndim) if a not in kept)
        self._count = 0
        self.mean: Array | np.float64 = np.float64(0)
        self._squares: Array | np.float64 = np.float64(0)

    def add(self, block: Array) -> None:
        """Adds rows."""
        values = block.astype(np.float64)
        count = int(np.prod([values.shape[a] for a in self._reduced]))
        mean = values.mean(self._reduced, keepdims=True)
        squares = np.square(values - mean).sum(self._reduced)
        difference = mean.reshape(squares.shape) - self.mean
        total = self._count + count
        self._squares = self._squares + squares + difference**2 * (self._count * count / total)
        self.mean = self.mean + difference * (count / total)
        self._count = total

    @property
    def variance(self) -> Array | np.float64:
        """The variance, without Bessel's correction, as NumPy and Keras compute it."""
        return self._squares / self._count
