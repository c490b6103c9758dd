"""Draws some values of a stream at random; their indices alone decide which."""

import numpy as np

from worker.training.reports.streams.state import Array, Resumable

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = ((30, np.uint64(0xBF58476D1CE4E5B9)), (27, np.uint64(0x94D049BB133111EB)))


class Sample(Resumable):
    """The values whose indices have the smallest hashes.

    Each value is as likely to be drawn as any other, and neither batches nor the place where a run
    is resumed change which are drawn.
    """

    STATE = ("_seen", "_hashes", "_numbers", "_places")

    def __init__(self, most: int) -> None:
        """Draws nothing yet.

        Args:
            most: The number of values to draw.
        """
        self._most = most
        self._seen = 0
        self._hashes: Array = np.empty(0, np.uint64)
        self._numbers: Array = np.empty((2, 0))
        """The actual and the predicted numbers that are drawn."""
        self._places: Array = np.empty((3, 0), np.int64)
        """Their indices, rows and units."""

    def add(self, actual: Array, predicted: Array, rows: Array) -> None:
        """Adds values.

        Args:
            actual: Numbers of shape (n, units).
            predicted: Numbers of the same shape.
            rows: The row of each, of shape (n,).
        """
        count, units = actual.shape
        indices = np.arange(self._seen, self._seen + count * units, dtype=np.int64)
        self._seen += count * units
        hashes = _scramble(indices)
        places = np.flatnonzero(hashes <= self._get_largest())
        self._hashes = np.concatenate([self._hashes, hashes[places]])
        row, unit = np.divmod(places, units)
        drawn = np.stack([actual[row, unit], predicted[row, unit]]).astype(np.float64)
        self._numbers = np.concatenate([self._numbers, drawn], axis=1)
        found = np.stack([indices[places], rows[row], unit])
        self._places = np.concatenate([self._places, found], axis=1)
        if len(self._hashes) > self._most:
            kept = np.argsort(self._hashes)[: self._most]
            self._hashes = self._hashes[kept]
            self._numbers, self._places = self._numbers[:, kept], self._places[:, kept]

    def _get_largest(self) -> np.uint64:
        """Returns the largest hash that may still be drawn."""
        is_full = len(self._hashes) >= self._most
        return np.uint64(self._hashes.max()) if is_full else np.uint64(0xFFFF_FFFF_FFFF_FFFF)

    def list_drawn(self) -> tuple[Array, Array, Array, Array]:
        """Returns the rows, units, actual and predicted numbers in the order of the stream."""
        order = np.argsort(self._places[0])
        _, rows, units = self._places[:, order]
        return rows, units, *self._numbers[:, order]


def _scramble(indices: Array) -> Array:
    """Returns the hash of each index (SplitMix64), uint64; no two are equal."""
    mixed = (indices.astype(np.uint64) + np.uint64(1)) * _STEP
    for bits, factor in _FACTORS:
        mixed = (mixed ^ (mixed >> np.uint64(bits))) * factor
    return mixed ^ (mixed >> np.uint64(31))
