"""Counts the distinct values of a stream of numbers, in bounded memory."""

import numpy as np

from worker.training.reports.streams.state import Array, Resumable

_SIGN = np.int64(-(2**63))
_FIRST_SHIFT = 2
"""The lowest bits of a float64 that are always dropped: room for the group and for shares."""
_HALF = np.int64(0x3FE0_0000_0000_0000 >> _FIRST_SHIFT)
"""The key of 0.5."""
_FOLD = np.int64(0x7FD0_0000_0000_0000 >> _FIRST_SHIFT)
"""The sum of the key of a share above 0.5 and that of its distance from 1."""


class ValueCounts(Resumable):
    """The sum of weights of each distinct number, by group.

    As long as there are at most `limit` distinct numbers, each is counted by itself. If there are
    more, neighbouring numbers are counted together: those whose float64 is equal but for its lowest
    bits, in as few bits as possible. Which bits are dropped depends on the set of numbers alone,
    not on their order. Each count is still exact: it is that of all numbers from one threshold to
    the next.
    """

    STATE = ("_keys", "_weights", "_shift", "has_merged")

    def __init__(self, limit: int, groups: int = 1, *, shares: bool = False) -> None:
        """Counts nothing yet.

        Args:
            limit: The most numbers that are counted by themselves.
            groups: 1, or 2 to count the numbers of two groups side by side.
            shares: Whether numbers near 1 are told apart as well as those near 0.
        """
        self._limit, self._groups, self._shares = limit, groups, shares
        self._keys: Array = np.empty(0, np.int64)
        self._weights: Array = np.empty((groups, 0))
        self._shift = 0
        """The lowest bits of the keys that are dropped."""
        self.has_merged = False
        """Whether neighbouring numbers are counted together."""

    @property
    def values(self) -> Array:
        """The smallest number that each count contains, float64 in ascending order."""
        keys = self._keys << np.int64(self._shift)
        if not self._shares:
            return _find_numbers(keys)
        is_low = keys <= _HALF
        numbers = _find_numbers(np.where(is_low, keys, _FOLD - keys))
        return np.where(is_low, numbers, 1 - numbers)

    @property
    def weights(self) -> Array:
        """The sums of weights, float64 of shape (groups, counts)."""
        return self._weights

    def add(self, values: Array, weights: Array | None = None, second: Array | None = None) -> None:
        """Adds numbers.

        Args:
            values: Finite numbers, float64 of shape (n,).
            weights: Their weights, float64 of shape (n,); 1 each if left out.
            second: Whether each belongs to the second group, bool of shape (n,).
        """
        if not len(values):
            return
        keys = self._make_keys(values) >> np.int64(self._shift)
        if second is not None:
            keys = (keys << 1) | second
        if weights is None:
            keys.sort()
            starts = _find_starts(keys)
            found = np.diff(starts, append=len(keys)).astype(np.float64)
        else:
            order = np.argsort(keys, kind="stable")
            keys = keys[order]
            starts = _find_starts(keys)
            found = np.add.reduceat(weights[order], starts)
        self._merge(*self._split(keys[starts], found))
        self._coarsen()

    def _make_keys(self, values: Array) -> Array:
        """Returns integers in the order of the numbers."""
        if not self._shares:
            return _find_keys(values)
        is_low = values < 0.5
        keys = _find_keys(np.where(is_low, values, 1 - values))
        return np.where(is_low, keys, _FOLD - keys)

    def _split(self, keys: Array, weights: Array) -> tuple[Array, Array]:
        """Returns distinct keys without their group, and the weights by group."""
        if self._groups == 1:
            return keys, weights[np.newaxis]
        group, keys = keys & 1, keys >> 1
        starts = _find_starts(keys)
        places = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(keys)))
        split = np.zeros((self._groups, len(starts)))
        split[group, places] = weights
        return keys[starts], split

    def _merge(self, keys: Array, weights: Array) -> None:
        keys = np.concatenate([self._keys, keys])
        order = np.argsort(keys, kind="stable")  # linear for two sorted parts
        keys = keys[order]
        starts = _find_starts(keys)
        self._keys = keys[starts]
        joined = np.concatenate([self._weights, weights], axis=1)[:, order]
        self._weights = _add_pairs(joined, starts)

    def _coarsen(self) -> None:
        while len(self._keys) > self._limit:
            self._shift += 1
            keys = self._keys >> 1
            starts = _find_starts(keys)
            if len(starts) < len(keys):
                self.has_merged = True
                self._weights = _add_pairs(self._weights, starts)
            self._keys = keys[starts]


def _find_keys(values: Array) -> Array:
    """Returns integers in the order of the numbers; those of -0.0 and 0.0 are equal."""
    bits = (values + 0.0).view(np.int64)
    return np.where(bits < 0, _SIGN - bits, bits) >> _FIRST_SHIFT


def _find_numbers(keys: Array) -> Array:
    """Returns the smallest number of each key."""
    bits = keys << _FIRST_SHIFT
    return np.where(bits < 0, _SIGN - bits, bits).view(np.float64)


def _add_pairs(weights: Array, starts: Array) -> Array:
    """Returns the sums of runs of one or two columns, given the first place of each."""
    sums = weights[:, starts]
    pairs = np.flatnonzero(np.diff(starts, append=weights.shape[1]) == 2)
    sums[:, pairs] += weights[:, starts[pairs] + 1]
    return sums


def _find_starts(keys: Array) -> Array:
    """Returns the first place of each run of equal keys."""
    changes = np.empty(len(keys), np.bool_)
    changes[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=changes[1:])
    return np.flatnonzero(changes)
